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

enum { IDS_MAX = 1 << 20 };

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

bool store_is_of(const char *organisation, const char *id)
{
    size_t length = strlen(organisation);
    return strncmp(id, organisation, length) == 0 && strlen(id) == length + RECORD_HASH_DIGITS &&
           strspn(id + length, "0123456789abcdef") == RECORD_HASH_DIGITS;
}

bool store_ids_add(struct store_ids *list, const char *id, size_t length)
{
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 256 : 2 * list->room;
        char **more = room <= IDS_MAX ? realloc(list->ids, room * sizeof *more) : NULL;
        if (more == NULL)
            return false;
        list->ids = more;
        list->room = room;
    }
    char *copy = strndup(id, length);
    if (copy == NULL)
        return false;
    list->ids[list->count++] = copy;
    return true;
}

bool store_is_replaced(const struct store_upload *upload, const char *text, size_t length)
{
    return upload->replaces != NULL && upload->replaces->length == length &&
           memcmp(upload->replaces->text, text, length) == 0;
}

void store_ids_free(struct store_ids *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->ids[i]);
    free(list->ids);
    *list = (struct store_ids){0};
}

static enum store_result refuse_id(const char *fault, char *why)
{
    return store_fail(why, "the id is refused: %s; an id is the organisation and %d hex digits", fault,
                      RECORD_HASH_DIGITS);
}

/* An organisation is the beginning of ids. The empty one is none. */
static const char *organisation_fault(const char *organisation)
{
    if (organisation[0] == '\0')
        return NULL;
    if (strlen(organisation) > RECORD_ID_MAX - RECORD_HASH_DIGITS)
        return "it has more than 186 characters";
    return record_id_fault(organisation);
}

static enum store_result refuse_organisation(const char *fault, char *why)
{
    return store_fail(why,
                      "the organisation is refused: %s; ids begin with it, so it must be one that an id "
                      "may have",
                      fault);
}

/* What a store would do with any other is not known. */
static bool may_be_changed(const char *organisation, const char *id, char *why)
{
    const char *fault = record_id_fault(id);
    if (fault != NULL) {
        refuse_id(fault, why);
        return false;
    }
    fault = organisation_fault(organisation);
    if (fault != NULL)
        refuse_organisation(fault, why);
    return fault == NULL;
}

void store_read(const struct store_settings *store, const char *const *ids, size_t count, unsigned timeout_ms,
                enum store_result *results, struct store_text *texts, char *why)
{
    struct hostio io;
    for (size_t i = 0; i < count; i++) {
        const char *fault = record_id_fault(ids[i]);
        texts[i] = (struct store_text){0};
        results[i] = fault == NULL ? STORE_DONE : refuse_id(fault, why);
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

enum store_result store_write(const struct store_settings *store, const char *organisation, const char *id,
                              const char *text, size_t length, bool has_private_key,
                              const struct store_text *replaces, char *why)
{
    struct hostio io;
    const struct store_upload upload = {organisation, id, text, length, has_private_key, replaces};
    if (!may_be_changed(organisation, id, why))
        return STORE_FAILED;
    if (length > RECORD_TEXT_MAX)
        return store_fail(why, "the record has %zu bytes; %d is the most allowed", length, RECORD_TEXT_MAX);
    hostio_enter(&io);
    enum store_result result = kinds[store->type]->write(store, &upload, why);
    hostio_leave(&io);
    return result;
}

enum store_result store_delete(const struct store_settings *store, const char *organisation, const char *id,
                               char *why)
{
    struct hostio io;
    if (!may_be_changed(organisation, id, why))
        return STORE_FAILED;
    hostio_enter(&io);
    enum store_result result = kinds[store->type]->remove(store, organisation, id, why);
    hostio_leave(&io);
    return result;
}

/* The caller's function, which runs with the signals and the errno that the caller had. */
struct visitor {
    bool (*visit)(void *context, const struct store_listed *listed);
    void *context;
    struct hostio io;
};

static bool visit_as_caller(void *context, const struct store_listed *listed)
{
    struct visitor *visitor = context;
    hostio_leave(&visitor->io);
    bool more = visitor->visit(visitor->context, listed);
    hostio_enter(&visitor->io);
    return more;
}

enum store_result store_list(const struct store_settings *store, const char *organisation,
                             bool (*visit)(void *context, const struct store_listed *listed), void *context,
                             char *why)
{
    struct visitor visitor = {.visit = visit, .context = context};
    const char *fault = organisation_fault(organisation);
    if (fault != NULL)
        return refuse_organisation(fault, why);
    hostio_enter(&visitor.io);
    enum store_result result = kinds[store->type]->list(store, organisation, visit_as_caller, &visitor, why);
    hostio_leave(&visitor.io);
    return result;
}

void store_name(const struct store_settings *store, char *name, size_t size)
{
    kinds[store->type]->name(store, name, size);
    text_for_terminal(name);
}
