#include "cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Milliseconds. */
enum { FIRST = 1000, AGAIN = 200 };

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void progress_begin(struct progress *progress, const char *what)
{
    *progress = (struct progress){.what = what, .is_told = isatty(STDERR_FILENO) == 1, .next = now() + FIRST};
}

void progress_tell(struct progress *progress, size_t done, size_t total)
{
    int64_t time = progress->is_told ? now() : 0;
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
