/* A real redis-server, and a server that misbehaves. Each ends with the test's process. */
#ifndef TLSGRAFT_TESTS_REDIS_H
#define TLSGRAFT_TESTS_REDIS_H

#include <stddef.h>
#include <sys/types.h>

#include "policy/store.h"

/* Starts redis-server in `directory` (support.h), on the socket `redis` there and on a free port. */
struct redis {
    pid_t process;
    char socket[96];
    unsigned port;
    const char *password; /* NULL: none. For redis_cli() */
};
void redis_start(struct redis *redis, const char *password);
void redis_stop(struct redis *redis); /* in one way or another it is gone then */

/* The settings of a policy that has this server as its store, by its socket or its port. */
struct store_settings redis_by_socket(const struct redis *redis);
struct store_settings redis_by_port(unsigned port);

/* What `redis-cli ARGUMENTS` prints, without the last line's end; in a static buffer. */
const char *redis_cli(const struct redis *redis, const char *arguments);

/* redis-cli MONITOR, from now on. The commands that were seen, each `"WORD" "WORD"` on a line; freed by the
 * caller. */
struct monitor {
    pid_t process;
    int descriptor;
};
void monitor_start(struct monitor *monitor, const struct redis *redis);
char *monitor_stop(struct monitor *monitor, const struct redis *redis);

/* What the other server does to each client after the reply. */
enum mock_then {
    MOCK_CLOSES,
    MOCK_WAITS, /* for the client to close */
    MOCK_DRIPS, /* a byte, again and again; ends with 0 when the client closes, with 1 after many bytes */
    MOCK_FLOODS /* as MOCK_DRIPS, but as fast as it can */
};
struct mock {
    pid_t process;
    unsigned port;
};
void mock_start(struct mock *mock, const char *reply, size_t length, enum mock_then then);
void mock_kill(const struct mock *mock);
int mock_status(const struct mock *mock); /* waits for its end; its exit status */

#endif
