/* What only the command does with a store: writing, deleting, listing. */
#include <stdlib.h>
#include <string.h>

#include "policy/record.h"
#include "policy/store_kind.h"

enum { IDS_MAX = 1 << 20 };

static const struct store_manager *const managers[] = {
    [STORE_DIRECTORY] = &store_directory_manager,
    [STORE_REDIS] = &store_redis_manager,
};

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
        store_refuse_id(fault, why);
        return false;
    }
    fault = organisation_fault(organisation);
    if (fault != NULL)
        refuse_organisation(fault, why);
    return fault == NULL;
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
    enum store_result result = managers[store->type]->write(store, &upload, why);
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
    enum store_result result = managers[store->type]->remove(store, organisation, id, why);
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
    enum store_result result =
        managers[store->type]->list(store, organisation, visit_as_caller, &visitor, why);
    hostio_leave(&visitor.io);
    return result;
}
