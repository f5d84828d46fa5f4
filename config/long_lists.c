#include "config/long_lists.h"

/* Small enough for a piece and its tree to stay in a processor's cache, and long enough for the costs of a
 * run of the parser not to count. */
#define PIECE_ELEMENTS 64
#define LONG_ELEMENTS  (4 * (size_t)PIECE_ELEMENTS)

static void begin_piece(struct list_scan *scan, size_t at, unsigned line)
{
    struct long_lists *lists = scan->lists;
    struct list_piece *pieces =
        arena_grow(scan->arena, lists->pieces, (lists->piece_count + 1) * sizeof *pieces);
    if (pieces == NULL) {
        scan->failed = true;
        return;
    }
    lists->pieces = pieces;
    pieces[lists->piece_count++] = (struct list_piece){.begin = at, .end = at, .line = line};
}

static void open_bracket(struct list_scan *scan, char c, size_t at, unsigned line)
{
    struct bracket *outer = &scan->open[scan->depth];
    if (outer->groups && (c != '{' || outer->whole))
        outer->groups = false;
    if (outer->groups && outer->elements++ % PIECE_ELEMENTS == 0)
        begin_piece(scan, at, line);
    scan->open[++scan->depth] =
        (struct bracket){.open = c, .groups = c == '(', .first = scan->lists->piece_count};
}

static void add_list(struct list_scan *scan, const struct bracket *bracket)
{
    struct long_lists *lists = scan->lists;
    struct long_list *grown = arena_grow(scan->arena, lists->lists, (lists->count + 1) * sizeof *grown);
    if (grown == NULL) {
        scan->failed = true;
        return;
    }
    lists->lists = grown;
    grown[lists->count++] = (struct long_list){
        .first = bracket->first,
        .count = lists->piece_count - bracket->first,
        .elements = bracket->elements,
        .last_line = bracket->last_line,
    };
    for (unsigned i = 0; i <= scan->depth; i++) {
        scan->open[i].groups = false;
        scan->open[i].holds = true;
    }
}

static void close_bracket(struct list_scan *scan, char c, size_t at, unsigned line)
{
    const struct bracket *bracket = &scan->open[scan->depth--];
    struct bracket *outer = &scan->open[scan->depth];
    struct long_lists *lists = scan->lists;
    if (c != (bracket->open == '(' ? ')' : bracket->open == '[' ? ']' : '}'))
        scan->crossed = true;
    if (bracket->groups && bracket->whole && bracket->elements >= LONG_ELEMENTS)
        add_list(scan, bracket);
    else if (!bracket->holds)
        lists->piece_count = bracket->first;
    if (outer->groups && !scan->failed) {
        lists->pieces[lists->piece_count - 1].end = at + 1;
        outer->last_line = line;
        outer->whole = true;
    }
}

void list_scan_word(struct list_scan *scan)
{
    scan->open[scan->depth].groups = false;
}

void list_scan_character(struct list_scan *scan, char c, size_t at, unsigned line)
{
    struct bracket *bracket = &scan->open[scan->depth];
    switch (c) {
    case ' ':
    case '\t':
    case '\n':
    case '\r':
    case '\f':
        break;
    case '(':
    case '[':
    case '{':
        open_bracket(scan, c, at, line);
        break;
    case ')':
    case ']':
    case '}':
        close_bracket(scan, c, at, line);
        break;
    case ',':
        bracket->groups = bracket->groups && bracket->whole;
        bracket->whole = false;
        break;
    default:
        bracket->groups = false;
    }
}
