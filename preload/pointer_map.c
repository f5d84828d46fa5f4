#include "preload/pointer_map.h"

#include <stdint.h>
#include <stdlib.h>

static size_t home(const struct pointer_map *map, const void *key)
{
    return (size_t)(((uintptr_t)key >> 4) * 0x9e3779b97f4a7c15U >> 20) & (map->slots - 1);
}

/* The key's entry, or the free one where it would be. */
static struct pointer_map_entry *find(const struct pointer_map *map, const void *key)
{
    size_t i = home(map, key);
    while (map->entries[i].key != NULL && map->entries[i].key != key)
        i = (i + 1) & (map->slots - 1);
    return &map->entries[i];
}

static bool make_room(struct pointer_map *map)
{
    struct pointer_map larger = {.slots = map->slots == 0 ? 64 : 2 * map->slots, .used = map->used};
    if (2 * (map->used + 1) <= map->slots)
        return true;
    larger.entries = calloc(larger.slots, sizeof *larger.entries);
    if (larger.entries == NULL)
        return false;
    for (size_t i = 0; i < map->slots; i++) {
        if (map->entries[i].key != NULL)
            *find(&larger, map->entries[i].key) = map->entries[i];
    }
    free(map->entries);
    *map = larger;
    return true;
}

void *pointer_map_get(const struct pointer_map *map, const void *key)
{
    return map->slots == 0 ? NULL : find(map, key)->value;
}

bool pointer_map_set(struct pointer_map *map, const void *key, void *value)
{
    if (!make_room(map))
        return false;
    struct pointer_map_entry *entry = find(map, key);
    map->used += entry->key == NULL;
    *entry = (struct pointer_map_entry){key, value};
    return true;
}

void *pointer_map_take(struct pointer_map *map, const void *key)
{
    struct pointer_map_entry *entry = map->slots == 0 ? NULL : find(map, key);
    if (entry == NULL || entry->key == NULL)
        return NULL;
    void *value = entry->value;
    *entry = (struct pointer_map_entry){NULL, NULL};
    map->used--;
    /* What stands behind the gap may have been put there because of it. */
    size_t i = (size_t)(entry - map->entries + 1) & (map->slots - 1);
    for (; map->entries[i].key != NULL; i = (i + 1) & (map->slots - 1)) {
        struct pointer_map_entry moved = map->entries[i];
        map->entries[i] = (struct pointer_map_entry){NULL, NULL};
        *find(map, moved.key) = moved;
    }
    return value;
}
