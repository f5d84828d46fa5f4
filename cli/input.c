#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One allocation for all: where the buffer grew, a copy of a private key would stay behind. */
static bool read_all(int fd, size_t limit, struct input *input)
{
    input->data = malloc(limit + 2);
    if (input->data == NULL)
        return false;
    ssize_t got = 1;
    while (got != 0 && input->length <= limit) {
        got = read(fd, input->data + input->length, limit + 1 - input->length);
        if (got < 0 && errno != EINTR)
            return false;
        input->length += got > 0 ? (size_t)got : 0;
    }
    input->data[input->length] = '\0';
    return true;
}

bool input_read(const char *path, size_t limit, struct input *input)
{
    struct stat status;
    bool is_stdin = strcmp(path, "-") == 0;
    *input = (struct input){0};
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return false;
    bool done = read_all(fd, limit, input);
    int error = errno;
    input->others_read =
        !is_stdin && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & S_IROTH) != 0;
    if (!is_stdin)
        close(fd);
    errno = error;
    return done;
}

void input_free(struct input *input)
{
    if (input->data != NULL)
        explicit_bzero(input->data, input->length);
    free(input->data);
    input->data = NULL;
}
