#include "config/load.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/check.h"
#include "config/elements.h"
#include "config/guarded.h"
#include "config/plain_texts.h"
#include "policy/credentials.h"

#define SCRATCH_MAX ((size_t)256 << 20)
#define POLICY_MAX  ((size_t)256 << 20)

static void say(struct load *load, enum config_severity severity, const char *text)
{
    if (severity == CONFIG_ERROR && load->errors++ >= LOAD_ERRORS_MAX)
        return;
    if (severity == CONFIG_UNRESOLVED && load->unresolved++ >= LOAD_ERRORS_MAX)
        return;
    if (!elements_check(load)) /* of a text that is none of libconfig's, nothing else is told */
        return;
    load->report->say(load->report->context, severity, text);
}

void load_say(struct load *load, enum config_severity severity, const struct source *at, const char *format,
              ...)
{
    char text[PATH_MAX + 1024];
    va_list args;
    int head = at == NULL ? 0 : snprintf(text, sizeof text, "%s:%u: ", at->file, at->line);
    if (head < 0 || (size_t)head >= sizeof text)
        head = 0;
    va_start(args, format);
    vsnprintf(text + head, sizeof text - (size_t)head, format, args);
    va_end(args);
    say(load, severity, text);
}

void load_no_memory(struct load *load)
{
    static const char words[] = "the policy needs more memory than there is, or than it may take (256 MiB)";
    const char *path = load->policy == NULL ? NULL : load->policy->path;
    if (path == NULL)
        say(load, CONFIG_ERROR, words);
    else
        load_say(load, CONFIG_ERROR, NULL, "%s: %s", path, words);
}

const char *load_path(struct load *load, const char *text)
{
    return arena_printf(&load->policy->arena, "%s%s", text[0] == '/' ? "" : load->directory, text);
}

struct source load_source(const struct load *load, const config_setting_t *setting)
{
    return flat_source(&load->text, elements_line(setting));
}

/* hot: every process calls it at its start, and what is so marked lies in the same pages. */
__attribute__((hot)) const char *config_path(config_getenv *getenv, bool *named)
{
    const char *path = getenv("TLSGRAFT_POLICY");
    *named = path != NULL;
    return path != NULL ? path : CONFIG_DEFAULT_PATH;
}

/* What to look for where libconfig says no more than `fault`. */
static const char *advice(const char *fault)
{
    if (strstr(fault, "duplicate") != NULL)
        return "a setting of that name stands in the group already, remove one of them";
    if (strstr(fault, "mismatched") != NULL)
        return "the elements of an array are of one type, write texts in quotes";
    return "here or on the line before, look for: a comma between the groups of a list and none after the "
           "last, words in quotes, a bracket or quote that is not closed, a missing ;";
}

/* What stands for a file that says nothing. NULL: done. */
static const char *write_nothing(struct arena *arena, const char *path, struct flat_text *text)
{
    static const char nothing[] = "version = 1;\n";
    text->data = arena_text(arena, nothing, sizeof nothing - 1);
    text->length = sizeof nothing - 1;
    text->segments = arena_alloc(arena, sizeof *text->segments);
    if (text->data == NULL || text->segments == NULL)
        return "there is not enough memory to read the policy";
    text->segments[0] = (struct flat_segment){1, path, 1};
    text->segment_count = 1;
    return NULL;
}

/* What libconfig says of the text in one piece: of several faults that is the first. */
static void say_fault(struct load *load)
{
    config_t parsed;
    unsigned line;
    const char *fault = guarded_parse(&load->scratch, load->text.data, &parsed, &line);
    if (load->scratch.failed) {
        load_no_memory(load);
        return;
    }
    if (fault == NULL) {
        fault = load->fault;
        line = load->fault_line;
    }
    struct source at = flat_source(&load->text, line == 0 ? 1 : line);
    load->fault = NULL; /* so that it is told */
    load->errors = 0;
    load->unresolved = 0;
    load_say(load, CONFIG_ERROR, &at, "%s; %s", fault, advice(fault));
}

/*
 * Most policies are short, and read at the start of a process, where the scanner is most of the work. Of a
 * long one two copies more would cost memory.
 */
static const char *parse(struct load *load, const char *text, config_t *parsed)
{
    enum { SHORT = 1 << 16 };
    const struct plain_source source = {"", text, strlen(text), ""};
    return source.length <= SHORT ? plain_texts_parse(&load->scratch, &source, parsed, &load->fault_line)
                                  : guarded_parse(&load->scratch, text, parsed, &load->fault_line);
}

/* Reads the file (`exists`: there is one) into load->policy. What is wrong is reported. */
static void read_policy(struct load *load, const char *path, bool exists)
{
    config_t parsed;
    const char *fault = exists ? flatten(&load->scratch, load->watch, path, &load->text)
                               : write_nothing(&load->scratch, path, &load->text);
    const char *text = fault != NULL ? NULL : elements_take_out(&load->scratch, &load->text);
    if (fault != NULL) {
        say(load, CONFIG_ERROR, fault);
        return;
    }
    if (text != NULL)
        load->fault = parse(load, text, &parsed);
    if (text == NULL || load->scratch.failed) {
        load->fault = NULL;
        load_no_memory(load);
        return;
    }
    load->lists_checked = load->fault != NULL;
    if (load->fault == NULL)
        check_policy(load, config_root_setting(&parsed));
    if (!elements_check(load))
        say_fault(load);
    else if ((load->policy->arena.failed || load->scratch.failed) && load->errors == 0)
        load_no_memory(load);
}

/* The last file name that was copied. */
struct kept_name {
    const char *from;
    const char *to;
};

static void keep_file_name(struct arena *arena, struct source *source, struct kept_name *last)
{
    if (source->file != last->from) {
        last->from = source->file;
        last->to = arena_text(arena, source->file, strlen(source->file));
    }
    source->file = last->to;
}

/* File names in rules outlive the scratch arena, so they are copied, once for neighbours. */
static void keep_file_names(struct load *load)
{
    struct policy *policy = load->policy;
    struct kept_name last = {NULL, NULL};
    for (size_t i = 0; i < policy->pin_rule_count; i++)
        keep_file_name(&policy->arena, &policy->pin_rules[i]->source, &last);
    for (size_t i = 0; i < policy->upstream_rule_count; i++)
        keep_file_name(&policy->arena, &policy->upstream_rules[i]->source, &last);
    for (size_t i = 0; i < policy->section_count; i++)
        keep_file_name(&policy->arena, &policy->sections[i].source, &last);
    if (policy->events.file != NULL)
        keep_file_name(&policy->arena, &policy->events.file_source, &last);
    if (policy->arena.failed)
        load_no_memory(load);
}

static void make_records(struct load *load)
{
    struct policy *policy = load->policy;
    size_t ids = policy->id_count;
    for (size_t i = 0; i < policy->section_count; i++)
        ids += policy->sections[i].id_count;
    if (ids == 0)
        return;
    policy->records = records_new(&policy->store);
    if (policy->records == NULL)
        load_no_memory(load);
}

static void make_credentials(struct load *load)
{
    struct policy *policy = load->policy;
    if (policy->candidate_count == 0)
        return;
    policy->credentials = credentials_new(policy->candidate_count);
    if (policy->credentials == NULL)
        load_no_memory(load);
}

/* Not through say(), which counts. */
static void say_more_unresolved(const struct load *load)
{
    char text[PATH_MAX + 128];
    snprintf(text, sizeof text, "%s: %d more that cannot be read; mend these first, and check again",
             load->policy->path, load->unresolved - LOAD_ERRORS_MAX);
    load->report->say(load->report->context, CONFIG_UNRESOLVED, text);
}

/* Memory was refused, long before the policy would be too large: another time it may go well. */
static bool ran_out_of_memory(const struct arena *arena)
{
    return arena->failed && arena->used < arena->limit / 2;
}

static struct policy *load_policy(const char *path, bool exists, config_getenv *getenv,
                                  const struct config_report *report, struct watch *watch,
                                  const struct policy *before)
{
    struct load load = {.report = report, .getenv = getenv, .watch = watch, .before = before};
    const char *slash = strrchr(path, '/');
    if (path[0] != '/' || slash == NULL) {
        load_say(&load, CONFIG_ERROR, NULL, "the policy file %s is a relative path; write it from / on",
                 path);
        return NULL;
    }
    if (strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0) {
        load_say(&load, CONFIG_ERROR, NULL,
                 "the policy file %s is another file in each process; name one that all of them see", path);
        return NULL;
    }
    arena_init(&load.scratch, SCRATCH_MAX);
    load.policy = calloc(1, sizeof *load.policy);
    if (load.policy == NULL) {
        if (watch != NULL)
            watch->failed = true;
        load_no_memory(&load);
        return NULL;
    }
    arena_init(&load.policy->arena, POLICY_MAX);
    load.policy->path = arena_text(&load.policy->arena, path, strlen(path));
    load.directory = arena_text(&load.scratch, path, (size_t)(slash - path) + 1);
    if (load.policy->path == NULL || load.directory == NULL)
        load_no_memory(&load);
    else
        read_policy(&load, path, exists);
    if (load.unresolved > LOAD_ERRORS_MAX)
        say_more_unresolved(&load);
    if (load.errors == 0)
        keep_file_names(&load);
    if (load.errors == 0)
        make_records(&load);
    if (load.errors == 0)
        make_credentials(&load);
    if (watch != NULL && (ran_out_of_memory(&load.scratch) || ran_out_of_memory(&load.policy->arena)))
        watch->failed = true;
    /* Texts with secrets or private keys in them may have been read into it, also where the load failed. */
    arena_wipe(&load.scratch);
    arena_free(&load.scratch);
    if (load.errors == 0)
        return load.policy;
    policy_free(load.policy);
    return NULL;
}

struct policy *config_load(const char *path, config_getenv *getenv, const struct config_report *report,
                           struct watch *watch)
{
    return load_policy(path, true, getenv, report, watch, NULL);
}

struct policy *config_reload(const char *path, config_getenv *getenv, const struct config_report *report,
                             struct watch *watch, const struct policy *before)
{
    return load_policy(path, true, getenv, report, watch, before);
}

struct policy *config_defaults(config_getenv *getenv, const struct config_report *report)
{
    return load_policy(CONFIG_DEFAULT_PATH, false, getenv, report, NULL, NULL);
}
