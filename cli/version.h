/*
 * The version of an OpenSSL by its file alone: each libcrypto holds the text that OpenSSL_version(3) gives,
 * "OpenSSL 3.0.19 27 Jan 2026"; so does a libssl before 3.0, and a program that OpenSSL is linked into.
 */
#ifndef TLSGRAFT_VERSION_H
#define TLSGRAFT_VERSION_H

#include <stdbool.h>

enum { VERSION_SIZE = 32 };

/* Writes "3.0.19", or "" where the file, open as `fd`, holds no such text or cannot be read. */
void version_find(int fd, char version[VERSION_SIZE]);

#endif
