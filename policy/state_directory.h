/*
 * What a state directory must be, and in it the directory of a user; and the words for what is wrong. Who
 * uses it (cooldown_file.c) and who only looks (the command) ask and say the same. Nothing is opened or made.
 *
 * `path` is that of the state directory everywhere. `why` has STATE_DIRECTORY_WHY_SIZE bytes, and is fit for
 * a terminal. No state; thread-safe.
 */
#ifndef TLSGRAFT_STATE_DIRECTORY_H
#define TLSGRAFT_STATE_DIRECTORY_H

#include <stdbool.h>
#include <sys/stat.h>

enum { STATE_DIRECTORY_WHY_SIZE = 1024 };

/* The users of a machine may share it. `status` is a directory's. False: `why` tells. */
bool state_directory_is_safe(const char *path, const struct stat *status, char *why);
/* The one of the effective user, or what is in it: it is this user's own, and kept from others. */
bool state_directory_is_own(const struct stat *status);
bool state_directory_own_is_safe(const char *path, const struct stat *status, char *why);

/* Why it, or that of the effective user, is not there: `error` is an errno; ENOTDIR: it is no directory. */
void state_directory_fail_open(const char *path, int error, char *why);
void state_directory_fail_open_own(const char *path, int error, char *why);

/* Why it cannot be used: `format` says of it what follows its path. */
void state_directory_fail(const char *path, char *why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
