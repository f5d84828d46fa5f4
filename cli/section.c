#include "cli/section.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/message.h"
#include "cli/script.h"

/* A script runs as its interpreter, and that is what the patterns are compared with. */
static void warn_of_script(const char *path)
{
    struct script script;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return;
    if (script_read(fd, &script) == SCRIPT_READ)
        message_warning(
            "--program: %s is a script, and runs as its interpreter: give the path of that, or the "
            "NAME of 'tlsgraft run --program NAME'",
            path);
    close(fd);
}

/* The path that the kernel tells of a program: without symbolic links. */
static const char *find_program(const char *given, char path[PATH_MAX])
{
    if (given == NULL || strchr(given, '/') == NULL)
        return given;
    if (realpath(given, path) == NULL) {
        message_warning("--program: %s: %s; its path is compared as it is written", given, strerror(errno));
        return given;
    }
    warn_of_script(path);
    return path;
}

const struct section *section_of_program(const struct policy *policy, const char *given, char path[PATH_MAX],
                                         const char **program)
{
    *program = find_program(given, path);
    bool is_path = *program != NULL && strchr(*program, '/') != NULL;
    return policy_section(policy, is_path ? *program : NULL, is_path ? NULL : *program);
}
