/* What Redis' own errors mean to whoever runs a program with a policy. */
#include <stdio.h>
#include <string.h>

#include "policy/store_redis_link.h"
#include "policy/text.h"

enum { QUOTED_MAX = 120 };

/* In order: the first that the error begins with. */
static const struct {
    const char *begins;
    const char *means;
} errors[] = {
    {"NOAUTH", "it wants a password; set 'password_file' (and 'username') in the section 'store'"},
    {"WRONGPASS", "it refuses the username or the password; set 'username' and 'password_file' right"},
    {"ERR invalid password", "it refuses the password; set 'password_file' right"},
    {"ERR AUTH", "it has no password; take 'password_file' out of the section 'store'"},
    {"ERR Client sent AUTH", "it has no password; take 'password_file' out of the section 'store'"},
    {"ERR wrong number of arguments for 'auth'",
     "it is older than Redis 6, which knows no users; take 'username' out of the section 'store'"},
    {"ERR DB index", "it has no database of that number; set 'database' in the section 'store' right"},
    {"ERR invalid DB index",
     "it has no database of that number; set 'database' in the section 'store' right"},
    {"ERR SELECT is not allowed", "it is a Redis Cluster, which has database 0 only; take 'database' out"},
    {"ERR max number of clients", "it has as many clients as it takes; raise its 'maxclients'"},
    {"DENIED", "it takes connections of its own machine only; give it a password, or another 'bind'"},
    {"NOPERM",
     "its user may not do this; allow it (ACL SETUSER) the commands GET, EXISTS, TYPE, SET, LRANGE, "
     "RPUSH, LREM, DEL, SCAN, WATCH, UNWATCH, MULTI and EXEC on the keys cert-*, and XADD and XREAD on the "
     "stream of events"},
    {"ERR unknown command", "it does not know this command; streams of events need Redis 5 or a later one"},
    {"LOADING", "it is still loading its data; try again when it is done"},
    {"MASTERDOWN", "it is a replica that has lost its primary; set 'address' to the primary"},
    {"READONLY", "it is a replica, which nothing is written to; set 'address' to the primary"},
    {"MOVED", "it is a Redis Cluster, which is not supported; set 'address' to a single server"},
    {"ASK", "it is a Redis Cluster, which is not supported; set 'address' to a single server"},
    {"CROSSSLOT", "it is a Redis Cluster, which is not supported; set 'address' to a single server"},
    {"CLUSTERDOWN", "it is a Redis Cluster, which is not supported; set 'address' to a single server"},
    {"WRONGTYPE",
     "a key of the store holds something else than it should; see 'redis-cli TYPE', and delete it"},
    {"OOM", "it has no memory left; raise its 'maxmemory'"},
    {"MISCONF", "it cannot save its data to disk, and takes no more; see its log"},
    {"NOREPLICAS", "it has too few replicas, and takes nothing more; see its log"},
    {"BUSY", "a script holds it up; try again, or end that with SCRIPT KILL"},
};

enum store_result redis_error_fail(const struct redis_reply *error, char *why)
{
    char quoted[QUOTED_MAX];
    text_to_utf8(error->text, quoted, sizeof quoted);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        if (strncmp(error->text, errors[i].begins, strlen(errors[i].begins)) == 0)
            return store_fail(why, "%s (it answers: %s)", errors[i].means, quoted);
    }
    return store_fail(why, "it answers with an error: %s", quoted);
}
