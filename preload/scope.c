#include "preload/scope.h"

#include <stdio.h>
#include <string.h>

struct search {
    const void *address;  /* the object that holds it, or */
    const char *soname;   /* the first of this name, or */
    const char *function; /* the first but for this object that defines this, */
    uint32_t hash;        /* which is the hash of it */
    struct object *found;
};

/* By what costs little. */
static bool is_ruled_out(const struct search *search, const struct dl_phdr_info *info)
{
    if (search->address != NULL)
        /* A base that is greater than the object's own addresses is a "negative" one, and tells nothing. */
        return (info->dlpi_addr > (uintptr_t)search->address &&
                info->dlpi_addr <= (uintptr_t)object_dynamic(info)) ||
               object_ends_before(info, search->address);
    return search->function != NULL &&
           (object_dynamic(info) == _DYNAMIC || !object_may_define(info, &search->hash, 1));
}

static bool is_named(const struct object *object, const struct search *search)
{
    return search->soname == NULL || (object->soname != NULL && strcmp(object->soname, search->soname) == 0);
}

static bool has_function(const struct object *object, const struct search *search)
{
    return search->function == NULL ||
           object_function_by_hash(object, search->function, search->hash) != NULL;
}

static int look(struct dl_phdr_info *info, size_t size, void *context)
{
    const struct search *search = context;
    struct object object;
    (void)size;
    if (is_ruled_out(search, info))
        return 0;
    object_place(info, &object);
    if ((search->address != NULL && !object_holds(&object, search->address)) || !object_read(&object) ||
        !is_named(&object, search) || !has_function(&object, search))
        return 0;
    *search->found = object;
    return 1;
}

bool object_of_address(const void *address, struct object *object)
{
    struct search search = {.address = address, .found = object};
    return dl_iterate_phdr(look, &search) != 0;
}

struct climb {
    const void *from;
    const char *function;
    uint32_t hash;
    object_is_wanted *is_wanted;
    const struct objects *but;
    char *path;
    struct object *lowest;
    struct objects all;
};

/* What was unloaded since may have stood before it. */
static bool is_left_out(const struct objects *but, const struct objects *now)
{
    return but != NULL && now->unloads >= but->unloads &&
           now->count + (now->unloads - but->unloads) <= but->count;
}

static int climb_to(struct dl_phdr_info *info, size_t size, void *context)
{
    struct climb *climb = context;
    struct object object;
    (void)size;
    climb->all.loads = info->dlpi_adds;
    climb->all.unloads = info->dlpi_subs;
    climb->all.count++;
    /* What costs little first. */
    if (is_left_out(climb->but, &climb->all) || !object_may_define(info, &climb->hash, 1))
        return 0;
    object_place(info, &object);
    if (object.low <= (uintptr_t)climb->from || object.low >= climb->lowest->low || !object_read(&object) ||
        object_function_by_hash(&object, climb->function, climb->hash) == NULL || !climb->is_wanted(&object))
        return 0;
    /* Copied, for the object may be gone when this returns. */
    snprintf(climb->path, PATH_MAX, "%s", object.path);
    object.path = climb->path;
    *climb->lowest = object;
    return 0;
}

bool object_above(const void *address, const char *function, object_is_wanted *is_wanted,
                  const struct objects *but, char path[PATH_MAX], struct object *object, struct objects *all)
{
    struct climb climb = {.from = address,
                          .function = function,
                          .hash = object_hash(function),
                          .is_wanted = is_wanted,
                          .but = but,
                          .path = path,
                          .lowest = object};
    object->low = UINTPTR_MAX;
    dl_iterate_phdr(climb_to, &climb);
    if (all != NULL)
        *all = climb.all;
    return object->low != UINTPTR_MAX;
}

struct need {
    const struct object *object;
    const char *function;
    uint32_t hash;
    const ElfW(Dyn) * first; /* of the entries that name one which defines it; NULL: none does yet */
    struct object *needed;
};

/* Where an object names another one as needed, before what is found already; NULL: nowhere. */
static const ElfW(Dyn) * entry_for(const struct need *need, const char *soname)
{
    const struct object *object = need->object;
    for (const ElfW(Dyn) *entry = object->dynamic; entry != need->first && entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_NEEDED && strcmp(object->strings + entry->d_un.d_val, soname) == 0)
            return entry;
    }
    return NULL;
}

/* Few objects define a function, and only of these the name is asked. */
static int look_needed(struct dl_phdr_info *info, size_t size, void *context)
{
    struct need *need = context;
    struct object object;
    (void)size;
    if (!object_may_define(info, &need->hash, 1))
        return 0;
    object_place(info, &object);
    if (!object_read(&object) || object.soname == NULL ||
        object_function_by_hash(&object, need->function, need->hash) == NULL)
        return 0;
    const ElfW(Dyn) *entry = entry_for(need, object.soname);
    if (entry == NULL)
        return 0;
    need->first = entry;
    *need->needed = object;
    return entry == need->object->dynamic; /* none can be named before it */
}

bool object_needed_with(const struct object *object, const char *function, struct object *needed)
{
    struct need need = {object, function, object_hash(function), NULL, needed};
    dl_iterate_phdr(look_needed, &need);
    return need.first != NULL;
}

bool object_needed_within(const struct object *object, const char *function, struct object *needed)
{
    struct object between;
    if (object_needed_with(object, function, needed))
        return true;
    for (const ElfW(Dyn) *entry = object->dynamic; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag != DT_NEEDED)
            continue;
        struct search search = {.soname = object->strings + entry->d_un.d_val, .found = &between};
        if (dl_iterate_phdr(look, &search) != 0 && object_needed_with(&between, function, needed))
            return true;
    }
    return false;
}

bool scope_definer(const char *function, const void *caller, struct object *at, struct object *definer)
{
    at->low = at->high = 0;
    if (!object_of_address(caller, at))
        return false;
    if (at->dynamic != _DYNAMIC && object_function(at, function) != NULL) {
        *definer = *at;
        return true;
    }
    return object_needed_within(at, function, definer);
}

bool object_first_with(const char *function, struct object *definer)
{
    struct search search = {.function = function, .hash = object_hash(function), .found = definer};
    return dl_iterate_phdr(look, &search) != 0;
}

void *scope_next_of(const char *function, const void *caller, struct object *at)
{
    struct object definer;
    if (!scope_definer(function, caller, at, &definer) && !object_first_with(function, &definer))
        return NULL;
    return object_function(&definer, function);
}

void *scope_next(const char *function, const void *caller)
{
    struct object at;
    return scope_next_of(function, caller, &at);
}

struct after {
    const char *const *names;
    void **found;
    size_t count;
    size_t missing;
    bool passed; /* this object was seen */
    uint32_t hashes[SCOPE_AFTER_MAX];
};

static int look_after(struct dl_phdr_info *info, size_t size, void *context)
{
    struct after *after = context;
    struct object object;
    (void)size;
    if (!after->passed) {
        after->passed = object_dynamic(info) == _DYNAMIC;
        return 0;
    }
    if (!object_may_define(info, after->hashes, after->count))
        return 0;
    object_place(info, &object);
    if (!object_read(&object))
        return 0;
    for (size_t i = 0; i < after->count; i++) {
        if (after->found[i] != NULL)
            continue;
        after->found[i] = object_function_by_hash(&object, after->names[i], after->hashes[i]);
        after->missing -= after->found[i] != NULL;
    }
    return after->missing == 0;
}

void scope_after(const char *const *names, void **found, size_t count)
{
    struct after after;
    after.names = names;
    after.found = found;
    after.count = after.missing = count < SCOPE_AFTER_MAX ? count : SCOPE_AFTER_MAX;
    after.passed = false;
    for (size_t i = 0; i < count; i++)
        found[i] = NULL;
    for (size_t i = 0; i < after.count; i++)
        after.hashes[i] = object_hash(names[i]);
    dl_iterate_phdr(look_after, &after);
}

void *scope_behind(const char *function)
{
    void *found;
    scope_after(&function, &found, 1);
    return found;
}

/*
 * The loader's list for debuggers. Weak, so that the loader is not named as needed: it is there.
 */
extern struct r_debug _r_debug __attribute__((weak));

void *scope_behind_at_start(const char *function)
{
    bool passed = false;
    for (const struct link_map *map = &_r_debug == NULL ? NULL : _r_debug.r_map; map != NULL;
         map = map->l_next) {
        struct object object;
        object.base = map->l_addr;
        object.dynamic = map->l_ld;
        void *found = passed && object_read_dynamic(&object) ? object_function(&object, function) : NULL;
        if (found != NULL)
            return found;
        passed = passed || map->l_ld == _DYNAMIC;
    }
    return NULL;
}

static int take_loads(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    *(unsigned long long *)context = info->dlpi_adds;
    return 1;
}

unsigned long long scope_loads(void)
{
    unsigned long long loads = 0;
    dl_iterate_phdr(take_loads, &loads);
    return loads;
}
