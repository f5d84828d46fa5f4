/* Whose files count: what a policy consists of must have been written by root or by the user it is for. */
#ifndef TLSGRAFT_TRUST_H
#define TLSGRAFT_TRUST_H

#include <stdbool.h>
#include <sys/stat.h>

enum { TRUST_WHY_SIZE = 192 };

/* May only root and the effective user change it? If not, `why` is a half sentence that tells. Thread-safe.
 */
bool trust_writers(const struct stat *status, char why[TRUST_WHY_SIZE]);

/* Is its owner root or the effective user? */
bool trust_owner(const struct stat *status);

#endif
