#include "policy/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/hostio.h"
#include "policy/record.h"
#include "policy/store_kind.h"
#include "policy/text.h"

static const struct store_kind *const kinds[] = {
    [STORE_DIRECTORY] = &store_directory,
    [STORE_REDIS] = &store_redis,
};

enum store_result store_fail(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, STORE_WHY_SIZE, format, args);
    va_end(args);
    text_for_terminal(why);
    return STORE_FAILED;
}

static bool is_refusal(int error)
{
    return error == EACCES || error == EPERM || error == ENOSYS;
}

/* O_PATH asks for no permission, and the root directory is reached through no other. */
static bool may_open_nothing(void)
{
    int descriptor = hostio_open("/", O_PATH | O_DIRECTORY, 0);
    if (descriptor < 0)
        return is_refusal(errno);
    close(descriptor);
    return false;
}

enum store_fault store_fault_of_file(int error)
{
    if (!is_refusal(error))
        return STORE_FAULT_CONTACT;
    return may_open_nothing() ? STORE_FAULT_BARRED : STORE_FAULT_DENIED;
}

enum store_fault store_fault_of_socket(int error)
{
    return is_refusal(error) ? STORE_FAULT_BARRED : STORE_FAULT_CONTACT;
}

bool store_is_out_of_root(const struct store_settings *store)
{
    struct file_identity now;
    bool has_path = store->type == STORE_DIRECTORY;
    int error = errno;
    for (size_t i = 0; store->type == STORE_REDIS && i < store->address_count; i++)
        has_path = has_path || store->addresses[i].address.ss_family == AF_UNIX;
    if (!has_path || !store->root.known)
        return false;
    file_identity_at("/", &now);
    errno = error;
    return !file_identity_is_same(&store->root, &now);
}

const char *store_error(int error, char words[STORE_ERROR_SIZE])
{
    return strerror_r(error, words, STORE_ERROR_SIZE);
}

void store_text_free(struct store_text *text)
{
    if (text->text != NULL)
        explicit_bzero(text->text, text->length);
    free(text->text);
    text->text = NULL;
    text->length = 0;
}

enum store_result store_refuse_id(const char *fault, char *why)
{
    return store_fail(why, "the id is refused: %s; an id is the organisation and %d hex digits", fault,
                      RECORD_HASH_DIGITS);
}

void store_read(const struct store_settings *store, const char *const *ids, size_t count, unsigned timeout_ms,
                enum store_result *results, struct store_text *texts, char *why)
{
    struct hostio io;
    for (size_t i = 0; i < count; i++) {
        const char *fault = record_id_fault(ids[i]);
        texts[i] = (struct store_text){0};
        results[i] = fault == NULL ? STORE_DONE : store_refuse_id(fault, why);
    }
    hostio_enter(&io);
    /* One that is refused splits the rest, which is asked for as if it was not there. */
    for (size_t begin = 0; begin < count;) {
        size_t end = begin;
        while (end < count && results[end] == STORE_DONE)
            end++;
        if (end > begin)
            kinds[store->type]->read(store, ids + begin, end - begin, timeout_ms, results + begin,
                                     texts + begin, why);
        begin = end + 1;
    }
    hostio_leave(&io);
}

void store_name(const struct store_settings *store, char *name, size_t size)
{
    kinds[store->type]->name(store, name, size);
    text_for_terminal(name);
}
