#include "tests/unit/redis.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support.h"

/* A listening socket on a free port of the loopback. */
static int listen_anywhere(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&address, size) != 0 ||
        listen(descriptor, 64) != 0 || getsockname(descriptor, (struct sockaddr *)&address, &size) != 0)
        abort();
    *port = ntohs(address.sin_port);
    return descriptor;
}

/* A child that ends with us; its output is in `*output`. Returns 0 in the child. */
static pid_t start_child(int *output)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    pid_t process = fork();
    if (process < 0)
        abort();
    if (process == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDOUT_FILENO);
        return 0;
    }
    close(ends[1]);
    *output = ends[0];
    return process;
}

/* Reads until `text` has come. False: the output ended. */
static bool read_until(int descriptor, const char *text, char *all, size_t size)
{
    size_t length = 0;
    all[0] = '\0';
    while (strstr(all, text) == NULL) {
        ssize_t got = length + 1 < size ? read(descriptor, all + length, size - 1 - length) : 0;
        if (got <= 0)
            return false;
        length += (size_t)got;
        all[length] = '\0';
    }
    return true;
}

static bool try_start(struct redis *redis)
{
    char port[16];
    char output[8192];
    int descriptor;
    close(listen_anywhere(&redis->port)); /* another process may take it meanwhile */
    snprintf(port, sizeof port, "%u", redis->port);
    redis->process = start_child(&descriptor);
    if (redis->process == 0) {
        execlp("redis-server", "redis-server", "--bind", "127.0.0.1", "--port", port, "--unixsocket",
               redis->socket, "--dir", directory.path, "--save", "", "--requirepass",
               redis->password != NULL ? redis->password : "", (char *)NULL);
        _exit(127);
    }
    bool ready = read_until(descriptor, "eady to accept connections", output, sizeof output);
    fcntl(descriptor, F_SETFD, 0); /* left open: it goes on writing */
    if (!ready)
        waitpid(redis->process, NULL, 0);
    return ready;
}

void redis_start(struct redis *redis, const char *password)
{
    redis->password = password;
    snprintf(redis->socket, sizeof redis->socket, "%s/redis", directory.path);
    for (int i = 0; i < 5; i++) {
        if (try_start(redis))
            return;
    }
    fputs("redis-server does not start; scripts/install-packages test\n", stderr);
    abort();
}

void redis_stop(struct redis *redis)
{
    kill(redis->process, SIGKILL);
    waitpid(redis->process, NULL, 0);
}

struct store_settings redis_by_socket(const struct redis *redis)
{
    struct store_settings settings = {
        .type = STORE_REDIS, .address = "unix:redis", .address_count = 1, .timeout_ms = 5000};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", redis->socket);
    memcpy(&settings.addresses[0].address, &address, sizeof address);
    settings.addresses[0].length = sizeof address;
    settings.password = redis->password;
    settings.password_length = redis->password == NULL ? 0 : strlen(redis->password);
    return settings;
}

struct store_settings redis_by_port(unsigned port)
{
    struct store_settings settings = {
        .type = STORE_REDIS, .address = "127.0.0.1:port", .address_count = 1, .timeout_ms = 5000};
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    memcpy(&settings.addresses[0].address, &address, sizeof address);
    settings.addresses[0].length = sizeof address;
    return settings;
}

static void command_line(const struct redis *redis, const char *arguments, char *line, size_t size)
{
    snprintf(line, size, "exec redis-cli --no-auth-warning %s%s -s %s %s", redis->password ? "-a " : "",
             redis->password ? redis->password : "", redis->socket, arguments);
}

/* redis-cli, whose output is in `*output`. */
static pid_t start_cli(const struct redis *redis, const char *arguments, int *output)
{
    char line[1024];
    command_line(redis, arguments, line, sizeof line);
    pid_t process = start_child(output);
    if (process == 0) {
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    return process;
}

const char *redis_cli(const struct redis *redis, const char *arguments)
{
    static char output[65536];
    int descriptor;
    pid_t process = start_cli(redis, arguments, &descriptor);
    size_t length = 0;
    ssize_t got;
    while ((got = read(descriptor, output + length, sizeof output - 1 - length)) > 0)
        length += (size_t)got;
    close(descriptor);
    waitpid(process, NULL, 0);
    while (length > 0 && output[length - 1] == '\n')
        length--;
    output[length] = '\0';
    return output;
}

void monitor_start(struct monitor *monitor, const struct redis *redis)
{
    char output[64];
    monitor->process = start_cli(redis, "MONITOR", &monitor->descriptor);
    if (!read_until(monitor->descriptor, "OK\n", output, sizeof output))
        abort();
}

char *monitor_stop(struct monitor *monitor, const struct redis *redis)
{
    char *output = calloc(1, 1 << 20);
    redis_cli(redis, "ECHO the-end");
    if (output == NULL || !read_until(monitor->descriptor, "the-end", output, 1 << 20))
        abort();
    kill(monitor->process, SIGKILL);
    waitpid(monitor->process, NULL, 0);
    close(monitor->descriptor);
    /* `TIME [DATABASE CLIENT] "WORD"...`: the words. */
    char *out = output;
    for (char *line = output; line != NULL && strstr(line, "] ") != NULL;) {
        char *words = strstr(line, "] ") + 2;
        char *end = strchr(words, '\n');
        size_t length = end != NULL ? (size_t)(end + 1 - words) : strlen(words);
        line = end != NULL ? end + 1 : NULL;
        if (strncmp(words, "\"ECHO\"", 6) == 0)
            break;
        if (strncmp(words, "\"COMMAND\"", 9) == 0)
            continue;
        memmove(out, words, length);
        out += length;
    }
    *out = '\0';
    return output;
}

/* Sends bytes until the client has closed. Then 0. */
static int send_on(int client, int pause_ms)
{
    char bytes[256];
    for (int i = 0; i < 100000; i++) {
        struct pollfd seen = {.fd = client, .events = POLLIN};
        if (poll(&seen, 1, pause_ms) == 1 && recv(client, bytes, sizeof bytes, 0) <= 0)
            return 0;
        memset(bytes, '1', sizeof bytes);
        if (send(client, bytes, pause_ms > 0 ? 1 : sizeof bytes, MSG_NOSIGNAL) < 0)
            return 0;
    }
    return 1;
}

static void serve(int client, const char *reply, size_t length, enum mock_then then)
{
    char bytes[4096];
    if (recv(client, bytes, sizeof bytes, 0) <= 0)
        return;
    if (send(client, reply, length, MSG_NOSIGNAL) < 0)
        return;
    if (then == MOCK_WAITS) {
        while (recv(client, bytes, sizeof bytes, 0) > 0)
            continue;
    }
    if (then == MOCK_DRIPS)
        _exit(send_on(client, 20));
    if (then == MOCK_FLOODS)
        _exit(send_on(client, 0));
}

void mock_start(struct mock *mock, const char *reply, size_t length, enum mock_then then)
{
    int server = listen_anywhere(&mock->port);
    mock->process = fork();
    if (mock->process < 0)
        abort();
    while (mock->process == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int client = accept(server, NULL, NULL);
        if (client < 0)
            _exit(2);
        serve(client, reply, length, then);
        close(client);
    }
    close(server);
}

void mock_kill(const struct mock *mock)
{
    kill(mock->process, SIGKILL);
    waitpid(mock->process, NULL, 0);
}

int mock_status(const struct mock *mock)
{
    int status = 0;
    waitpid(mock->process, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
