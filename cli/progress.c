#include "cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "policy/clock.h"

/* Milliseconds. */
enum { FIRST = 1000, AGAIN = 200 };

void progress_begin(struct progress *progress, const char *what)
{
    *progress = (struct progress){
        .what = what, .is_told = isatty(STDERR_FILENO) == 1, .next = clock_ms(CLOCK_MONOTONIC) + FIRST};
}

void progress_tell(struct progress *progress, size_t done, size_t total)
{
    int64_t time = progress->is_told ? clock_ms(CLOCK_MONOTONIC) : 0;
    if (!progress->is_told || time < progress->next)
        return;
    progress->next = time + AGAIN;
    progress_hide(progress);
    progress->is_shown = true;
    if (total > 0)
        fprintf(stderr, "%zu of %zu %s", done, total, progress->what);
    else
        fprintf(stderr, "%zu %s", done, progress->what);
}

void progress_hide(struct progress *progress)
{
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
    progress->is_shown = false;
}
