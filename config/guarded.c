#include "config/guarded.h"

#include <setjmp.h>
#include <stddef.h>
#include <string.h>

/* What the renamed functions below act on. libconfig passes no context, hence the thread-local. */
struct parse {
    struct arena *arena;
    jmp_buf give_up;
    const char *why;
};
static _Thread_local struct parse *current;

/* The names that libconfig's copy calls. */
void *tlsgraft_config_malloc(size_t size);
void *tlsgraft_config_calloc(size_t count, size_t size);
void *tlsgraft_config_realloc(void *block, size_t size);
void tlsgraft_config_free(void *block);
char *tlsgraft_config_strdup(const char *text);
char *tlsgraft_config___strdup(const char *text);
_Noreturn void tlsgraft_config_exit(int status);

/* What a shared object can not refer to as data. Never used. */
extern void *tlsgraft_config_stdin, *tlsgraft_config_stdout, *tlsgraft_config_stderr;
void *tlsgraft_config_stdin, *tlsgraft_config_stdout, *tlsgraft_config_stderr;

static _Noreturn void give_up(const char *why)
{
    current->why = why;
    longjmp(current->give_up, 1);
}

void *tlsgraft_config_realloc(void *block, size_t size)
{
    void *grown = arena_grow(current->arena, block, size);
    if (grown == NULL)
        give_up("needs more memory than there is, or than a policy may take (256 MiB)");
    return grown;
}

void *tlsgraft_config_malloc(size_t size)
{
    return tlsgraft_config_realloc(NULL, size);
}

void *tlsgraft_config_calloc(size_t count, size_t size)
{
    if (size != 0 && count > (size_t)-1 / size)
        give_up("needs more memory than there is");
    return memset(tlsgraft_config_malloc(count * size), 0, count * size);
}

void tlsgraft_config_free(void *block)
{
    (void)block; /* with the arena */
}

char *tlsgraft_config_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(tlsgraft_config_malloc(size), text, size);
}

char *tlsgraft_config___strdup(const char *text)
{
    return tlsgraft_config_strdup(text);
}

void tlsgraft_config_exit(int status)
{
    (void)status;
    give_up("cannot be parsed");
}

/* The decimal point of floats, for which libconfig changes the thread's locale, does not matter to a policy.
 */
#define LOCALE(name)                                                                                         \
    void *tlsgraft_config_##name(void);                                                                      \
    void *tlsgraft_config_##name(void)                                                                       \
    {                                                                                                        \
        return NULL;                                                                                         \
    }
LOCALE(newlocale)
LOCALE(uselocale)
LOCALE(freelocale)

/* Input and output: none is needed for a text in memory, so whoever asks for it has lost its way. */
#define NONE(name)                                                                                           \
    _Noreturn void tlsgraft_config_##name(void);                                                             \
    void tlsgraft_config_##name(void)                                                                        \
    {                                                                                                        \
        give_up("cannot be parsed");                                                                         \
    }
NONE(abort)
NONE(fopen)
NONE(fopen64)
NONE(fclose)
NONE(fread)
NONE(fwrite)
NONE(fputs)
NONE(fputc)
NONE(putc)
NONE(_IO_putc)
NONE(getc)
NONE(_IO_getc)
NONE(fileno)
NONE(ferror)
NONE(clearerr)
NONE(fflush)
NONE(fprintf)
NONE(__fprintf_chk)
NONE(vfprintf)
NONE(fstat)
NONE(fstat64)
NONE(__fxstat)
NONE(__fxstat64)
NONE(stat)
NONE(stat64)
NONE(opendir)
NONE(readdir)
NONE(closedir)
NONE(fsync)

const char *guarded_parse(struct arena *arena, const char *text, config_t *config, unsigned *line)
{
    struct parse parse = {.arena = arena};
    struct parse *outer = current;
    const char *volatile why = NULL;
    *line = 0;
    current = &parse;
    if (setjmp(parse.give_up) != 0) {
        why = parse.why;
    } else {
        config_init(config);
        if (config_read_string(config, text) != CONFIG_TRUE) {
            why = config_error_text(config);
            *line = (unsigned)config_error_line(config);
        }
    }
    current = outer;
    return why;
}
