#include "cli/mapped.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Cuts `text` off the end of `path`, if it stands there. */
static bool cut_end(char *path, const char *text)
{
    size_t length = strlen(path);
    size_t size = strlen(text);
    if (length < size || strcmp(path + length - size, text) != 0)
        return false;
    path[length - size] = '\0';
    return true;
}

/* The only character that the kernel writes otherwise, as it would end the line. */
static void restore_newlines(char *path)
{
    char *to = path;
    for (const char *at = path; *at != '\0'; to++) {
        bool newline = strncmp(at, "\\012", 4) == 0;
        *to = newline ? '\n' : *at;
        at += newline ? 4 : 1;
    }
    *to = '\0';
}

/* `START-END rwxp OFFSET MAJOR:MINOR INODE   PATH` */
static bool read_line(const char *line, struct mapped *mapped)
{
    char rights[5];
    unsigned major_number;
    unsigned minor_number;
    unsigned long long inode;
    int path = -1;
    /* NOLINTNEXTLINE(cert-err34-c): the kernel writes it */
    if (sscanf(line, "%39s %4s %*s %x:%x %llu %n", mapped->range, rights, &major_number, &minor_number,
               &inode, &path) != 5 ||
        path < 0)
        return false;
    mapped->device = makedev(major_number, minor_number);
    mapped->inode = (ino_t)inode;
    snprintf(mapped->path, sizeof mapped->path, "%s", line + path);
    mapped->deleted = cut_end(mapped->path, " (deleted)");
    restore_newlines(mapped->path);
    return inode != 0 && rights[2] == 'x' && mapped->path[0] == '/';
}

bool mapped_next(FILE *maps, struct mapped *mapped)
{
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    ssize_t length;
    while (!found && (length = getline(&line, &size, maps)) > 0) {
        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        found = read_line(line, mapped);
    }
    free(line);
    return found;
}

static bool is_that_file(const char *path, const struct mapped *mapped)
{
    struct stat status;
    return stat(path, &status) == 0 && status.st_dev == mapped->device && status.st_ino == mapped->inode;
}

bool mapped_locate(const struct mapped *mapped, const char *folder, char path[PATH_MAX])
{
    struct stat status;
    /* Leads to the file also where it is deleted, or in another root; but that takes privileges. */
    snprintf(path, PATH_MAX, "%s/map_files/%s", folder, mapped->range);
    if (stat(path, &status) == 0)
        return true;
    snprintf(path, PATH_MAX, "%s", mapped->path);
    if (is_that_file(path, mapped))
        return true;
    return snprintf(path, PATH_MAX, "%s/root%s", folder, mapped->path) < PATH_MAX &&
           is_that_file(path, mapped);
}
