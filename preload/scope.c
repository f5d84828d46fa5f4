#include "preload/scope.h"

#include <stdio.h>
#include <string.h>

struct search {
    const void *address;  /* the object that holds it, or */
    const char *soname;   /* the object of this name, or */
    const char *begin;    /* whose name begins so, or */
    const char *function; /* the first that defines this, but for */
    const void *but;      /* the object that holds this */
    struct object *found;
};

static int look(struct dl_phdr_info *info, size_t size, void *context)
{
    const struct search *search = context;
    struct object object;
    (void)size;
    object_place(info, &object);
    bool is_it = search->address != NULL && object_holds(&object, search->address);
    if ((search->address != NULL && !is_it) || !object_read(&object))
        return 0;
    if (search->soname != NULL)
        is_it = object.soname != NULL && strcmp(object.soname, search->soname) == 0;
    else if (search->begin != NULL)
        is_it = object.soname != NULL && strncmp(object.soname, search->begin, strlen(search->begin)) == 0;
    else if (search->function != NULL)
        is_it = !object_holds(&object, search->but) && object_function(&object, search->function) != NULL;
    if (is_it)
        *search->found = object;
    return is_it;
}

bool object_of_address(const void *address, struct object *object)
{
    struct search search = {.address = address, .found = object};
    return dl_iterate_phdr(look, &search) != 0;
}

bool object_is_loaded(const char *soname_begin)
{
    struct object object;
    struct search search = {.begin = soname_begin, .found = &object};
    return dl_iterate_phdr(look, &search) != 0;
}

struct climb {
    const void *from;
    const char *function;
    const struct objects *but;
    char *path;
    struct object *lowest;
    struct objects all;
};

static bool is_left_out(const struct objects *but, const struct objects *now)
{
    return but != NULL && but->unloads == now->unloads && now->count <= but->count;
}

static int climb_to(struct dl_phdr_info *info, size_t size, void *context)
{
    struct climb *climb = context;
    struct object object;
    (void)size;
    climb->all.unloads = info->dlpi_subs;
    climb->all.count++;
    /* What costs little first. */
    if (is_left_out(climb->but, &climb->all))
        return 0;
    object_place(info, &object);
    if (object.low <= (uintptr_t)climb->from || object.low >= climb->lowest->low || !object_read(&object) ||
        object_function(&object, climb->function) == NULL)
        return 0;
    /* Copied, for the object may be gone when this returns. */
    snprintf(climb->path, PATH_MAX, "%s", object.path);
    object.path = climb->path;
    *climb->lowest = object;
    return 0;
}

bool object_above(const void *address, const char *function, const struct objects *but, char path[PATH_MAX],
                  struct object *object, struct objects *all)
{
    struct climb climb = {.from = address, .function = function, .but = but, .path = path, .lowest = object};
    object->low = UINTPTR_MAX;
    dl_iterate_phdr(climb_to, &climb);
    if (all != NULL)
        *all = climb.all;
    return object->low != UINTPTR_MAX;
}

bool object_needed_with(const struct object *object, const char *function, struct object *needed)
{
    for (const ElfW(Dyn) *entry = object->dynamic; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag != DT_NEEDED)
            continue;
        struct search search = {.soname = object->strings + entry->d_un.d_val, .found = needed};
        if (dl_iterate_phdr(look, &search) != 0 && object_function(needed, function) != NULL)
            return true;
    }
    return false;
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

/* The address of any function of this object tells which it is. */
static const void *own_address(void)
{
    return (const void *)(uintptr_t)&scope_definer;
}

bool scope_definer(const char *function, const void *caller, struct object *definer)
{
    struct object object;
    if (!object_of_address(caller, &object))
        return false;
    if (!object_holds(&object, own_address()) && object_function(&object, function) != NULL) {
        *definer = object;
        return true;
    }
    return object_needed_within(&object, function, definer);
}

bool object_first_with(const char *function, struct object *definer)
{
    struct search search = {.function = function, .but = own_address(), .found = definer};
    return dl_iterate_phdr(look, &search) != 0;
}

void *scope_next(const char *function, const void *caller)
{
    struct object definer;
    if (!scope_definer(function, caller, &definer) && !object_first_with(function, &definer))
        return NULL;
    return object_function(&definer, function);
}

struct after {
    const char *const *names;
    void **found;
    size_t count;
    size_t missing;
    bool passed; /* this object was seen */
};

static int look_after(struct dl_phdr_info *info, size_t size, void *context)
{
    struct after *after = context;
    struct object object;
    (void)size;
    object_place(info, &object);
    if (!after->passed) {
        after->passed = object_holds(&object, own_address());
        return 0;
    }
    if (!object_read(&object))
        return 0;
    for (size_t i = 0; i < after->count; i++) {
        if (after->found[i] != NULL)
            continue;
        after->found[i] = object_function(&object, after->names[i]);
        after->missing -= after->found[i] != NULL;
    }
    return after->missing == 0;
}

void scope_after(const char *const *names, void **found, size_t count)
{
    struct after after = {.names = names, .found = found, .count = count, .missing = count};
    for (size_t i = 0; i < count; i++)
        found[i] = NULL;
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
        void *found =
            passed && object_read_dynamic(&object) ? object_function_at_start(&object, function) : NULL;
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
