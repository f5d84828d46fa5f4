#include "config/elements.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "config/guarded.h"
#include "config/plain_texts.h"

#define PIECE_MAX ((size_t)256 << 20) /* of memory for one */

/* The number of the list behind this, which is the least that config/flatten.c lets nobody write. */
#define MARK_BASE ((long long)INT32_MAX + 1)
#define MARK_SIZE sizeof "9223372036854775807L"

static const char piece_head[] = "e = (";
static const char piece_tail[] = "\n);\n";

/* Where the text goes on. */
static char *append(char *to, const char *from, size_t length)
{
    memcpy(to, from, length);
    return to + length;
}

const char *elements_take_out(struct arena *arena, const struct flat_text *text)
{
    const struct long_lists *lists = &text->lists;
    if (lists->count == 0)
        return text->data;
    size_t size = text->length + 1;
    for (size_t i = 0; i < lists->count; i++) {
        const struct list_piece *first = &lists->pieces[lists->lists[i].first];
        const struct list_piece *last = first + lists->lists[i].count - 1;
        size -= last->end - first->begin;
        size += MARK_SIZE + (lists->lists[i].last_line - first->line);
    }
    char *out = arena_alloc(arena, size);
    char *to = out;
    size_t from = 0;
    for (size_t i = 0; out != NULL && i < lists->count; i++) {
        const struct list_piece *first = &lists->pieces[lists->lists[i].first];
        const struct list_piece *last = first + lists->lists[i].count - 1;
        size_t lines = lists->lists[i].last_line - first->line;
        to = append(to, text->data + from, first->begin - from);
        to += snprintf(to, MARK_SIZE, "%lldL", MARK_BASE + (long long)i);
        memset(to, '\n', lines);
        to += lines;
        from = last->end;
    }
    if (out != NULL)
        append(to, text->data + from, text->length - from);
    return out;
}

bool elements_are_out(const config_setting_t *list)
{
    const config_setting_t *mark = config_setting_length(list) == 1 ? config_setting_get_elem(list, 0) : NULL;
    return mark != NULL && config_setting_type(mark) == CONFIG_TYPE_INT64 &&
           config_setting_get_int64(mark) >= MARK_BASE;
}

/* NULL: its elements are where they belong. */
static struct long_list *long_list_of(const struct load *load, const config_setting_t *list)
{
    return elements_are_out(list)
               ? &load->text.lists.lists[config_setting_get_int64_elem(list, 0) - MARK_BASE]
               : NULL;
}

size_t elements_count(const struct load *load, const config_setting_t *list)
{
    if (list == NULL)
        return 0;
    const struct long_list *longer = long_list_of(load, list);
    return longer == NULL ? (size_t)config_setting_length(list) : longer->elements;
}

/* False: the rest is of no use. */
static bool each_of(const config_setting_t *list, element_visit *visit, void *context)
{
    for (int i = 0; i < config_setting_length(list); i++) {
        if (!visit(config_setting_get_elem(list, (unsigned)i), context))
            return false;
    }
    return true;
}

/* The list of the piece's groups; NULL: there is a fault, or no memory. */
static const config_setting_t *parse(struct load *load, struct arena *arena, const struct list_piece *piece,
                                     config_t *config)
{
    unsigned line = 0;
    const struct plain_source source = {piece_head, load->text.data + piece->begin, piece->end - piece->begin,
                                        piece_tail};
    const char *fault = plain_texts_parse(arena, &source, config, &line);
    if (arena->failed) {
        load_no_memory(load);
        return NULL;
    }
    if (fault != NULL) {
        load->fault = arena_text(&load->scratch, fault, strlen(fault));
        load->fault_line = piece->line + (line == 0 ? 0 : line - 1);
        load->lists_checked = true;
        return NULL;
    }
    config_setting_set_hook(config_root_setting(config), (void *)piece);
    return config_setting_get_elem(config_root_setting(config), 0);
}

/* `visit` NULL: they are only parsed. */
static void read_pieces(struct load *load, struct long_list *list, element_visit *visit, void *context)
{
    struct arena arena;
    bool more = true;
    arena_init(&arena, PIECE_MAX);
    for (size_t i = 0; more && i < list->count; i++) {
        config_t config;
        const config_setting_t *groups =
            parse(load, &arena, &load->text.lists.pieces[list->first + i], &config);
        more = groups != NULL && (visit == NULL || each_of(groups, visit, context));
        arena_wipe(&arena); /* it may have held a private key */
        arena_clear(&arena);
    }
    list->read = more;
    arena_free(&arena);
}

void elements_each(struct load *load, const config_setting_t *list, element_visit *visit, void *context)
{
    struct long_list *longer = long_list_of(load, list);
    if (longer == NULL)
        each_of(list, visit, context);
    else if (load->fault == NULL)
        read_pieces(load, longer, visit, context);
}

bool elements_check(struct load *load)
{
    const struct long_lists *lists = &load->text.lists;
    if (load->lists_checked)
        return load->fault == NULL;
    load->lists_checked = true;
    for (size_t i = 0; load->fault == NULL && i < lists->count; i++) {
        if (!lists->lists[i].read)
            read_pieces(load, &lists->lists[i], NULL, NULL);
    }
    return load->fault == NULL;
}

unsigned elements_line(const config_setting_t *setting)
{
    const struct list_piece *piece = config_setting_get_hook(config_root_setting(setting->config));
    unsigned line = config_setting_source_line(setting);
    return (piece == NULL ? 0 : piece->line - 1) + (line == 0 ? 1 : line);
}
