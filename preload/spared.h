/* How spared.c and spared_archives.c define a function that --wrap leads the callers of another to. */
#ifndef TLSGRAFT_SPARED_H
#define TLSGRAFT_SPARED_H

#define SPARED(result, name, ...)                                                                            \
    result __wrap_##name(__VA_ARGS__); /* NOLINT(bugprone-reserved-identifier) */                            \
    result __wrap_##name(__VA_ARGS__)  /* NOLINT(bugprone-reserved-identifier) */

#endif
