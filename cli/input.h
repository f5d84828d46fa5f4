/* Reading what a command is given: a file, or stdin. */
#ifndef TLSGRAFT_INPUT_H
#define TLSGRAFT_INPUT_H

#include <stdbool.h>
#include <stddef.h>

struct input {
    char *data; /* malloc(3); a NUL behind `length` bytes */
    size_t length;
    bool others_read; /* a file that anyone may read */
};

/*
 * Reads `path`, or stdin for "-", up to `limit` bytes; of what is longer one byte more, so that it is seen to
 * be. False: it cannot be read, and errno tells. To be wiped and freed with input_free(), also then.
 */
bool input_read(const char *path, size_t limit, struct input *input);
void input_free(struct input *input);

#endif
