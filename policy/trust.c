#include "policy/trust.h"

#include <stdio.h>
#include <unistd.h>

bool trust_owner(const struct stat *status)
{
    return status->st_uid == 0 || status->st_uid == geteuid();
}

bool trust_writers(const struct stat *status, char why[TRUST_WHY_SIZE])
{
    if (!trust_owner(status))
        snprintf(why, TRUST_WHY_SIZE,
                 "belongs to user %lu; it must belong to root or to the user that runs the program (%lu)",
                 (unsigned long)status->st_uid, (unsigned long)geteuid());
    else if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        snprintf(why, TRUST_WHY_SIZE, "is writable by others than its owner (mode %04o); run: chmod go-w",
                 (unsigned)status->st_mode & 07777U);
    else
        return true;
    return false;
}
