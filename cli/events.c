/* `tlsgraft events`: shows the events that the programs under a policy have raised, and those that come. */
#include <getopt.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/event_parse.h"
#include "cli/event_print.h"
#include "cli/event_source.h"
#include "cli/event_time.h"
#include "cli/message.h"
#include "cli/output.h"
#include "cli/policy_file.h"

struct request {
    bool follow;
    bool json;
    const char *since; /* as given; NULL: from the first event on */
    struct timespec start;
};

/* Lines that are no events. */
struct skipped {
    unsigned long long count;
    unsigned long long first;
};

/* An event whose time cannot be read is never left out: it may be the one that is looked for. */
static bool is_wanted(const struct request *request, const json_t *event)
{
    const char *timestamp = json_string_value(json_object_get(event, "timestamp"));
    struct timespec time;
    return request->since == NULL || timestamp == NULL || !event_time_read(timestamp, &time) ||
           !event_time_before(&time, &request->start);
}

static void tell_skipped(const struct event_source *source, struct skipped *skipped)
{
    if (skipped->count == 1)
        message_warning("events: %s:%llu: 1 line is no JSON object, and was left out; see what stands there",
                        source->name, skipped->first);
    else if (skipped->count > 1)
        message_warning("events: %s:%llu: %llu lines are no JSON objects, and were left out; see what stands "
                        "there: this is the first",
                        source->name, skipped->first, skipped->count);
    *skipped = (struct skipped){0};
}

/* A pipe or a socket of which the other end is closed. */
static bool nobody_reads(short events)
{
    return (events & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

/* As the write would end it that comes next. */
static void end_by_closed_pipe(void)
{
    sigset_t set;
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    raise(SIGPIPE);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* Waits until there may be more. Who has closed the other end of stdout is not kept waiting for an event. */
static void wait_for_more(const struct event_source *source)
{
    struct pollfd files[] = {{.fd = source->descriptor, .events = POLLIN}, {.fd = STDOUT_FILENO}};
    if (poll(files, 2, source->wait_ms) > 0 && nobody_reads(files[1].revents))
        end_by_closed_pipe();
}

/* Prints one event. False: nothing can be printed any more. */
static bool show(const struct request *request, struct event_printer *printer, const struct event_text *text,
                 const json_t *event)
{
    if (is_wanted(request, event))
        event_print(printer, text, event);
    if (request->follow)
        fflush(stdout);
    if (!ferror(stdout))
        return true;
    struct pollfd file = {.fd = STDOUT_FILENO};
    if (poll(&file, 1, 0) > 0 && nobody_reads(file.revents))
        end_by_closed_pipe();
    return false;
}

/* What could not be written to stdout is told where the command ends. */
static int show_all(const struct request *request, struct event_source *source)
{
    struct skipped skipped = {0};
    struct event_text text;
    struct event_printer printer = {.form = EVENT_FORM_PLAIN, .coloured = output_is_coloured()};
    if (request->json)
        printer.form = request->follow ? EVENT_FORM_JSON_LINES : EVENT_FORM_JSON_ARRAY;
    else if (output_is_to_reader())
        printer.form = EVENT_FORM_READER;
    while (true) {
        enum event_next next = source->next(source, &text);
        if (next == EVENT_NEXT_FAILED) {
            event_print_broken(&printer);
            return STATUS_SURROUNDINGS;
        }
        if (next == EVENT_NEXT_NONE) {
            tell_skipped(source, &skipped);
            if (!request->follow)
                break;
            wait_for_more(source);
            continue;
        }
        json_t *event = event_parse(&text);
        if (event == NULL && skipped.count++ == 0)
            skipped.first = text.line;
        bool shown = event == NULL || show(request, &printer, &text, event);
        json_decref(event);
        if (!shown)
            return STATUS_DONE;
    }
    event_print_end(&printer);
    return STATUS_DONE;
}

static int show_policy(const struct request *request, struct policy_file *file)
{
    enum policy_file_outcome outcome = policy_file_read(file);
    if (outcome == POLICY_FILE_ABSENT)
        return STATUS_SURROUNDINGS;
    if (outcome == POLICY_FILE_INVALID)
        return STATUS_USAGE;
    const struct event_sinks *sinks = &file->policy->events;
    if (sinks->file == NULL && sinks->redis_stream == NULL) {
        message_error("events: %s: it names no file for events, and no stream; add events: { file = "
                      "\"events.jsonl\"; }; to it",
                      file->path);
        return STATUS_USAGE;
    }
    struct event_source source;
    if (!(sinks->file != NULL ? event_file_open(&source, sinks->file, request->follow)
                              : event_redis_open(&source, sinks, request->follow)))
        return STATUS_SURROUNDINGS;
    int status = show_all(request, &source);
    source.close(&source);
    return status;
}

enum { OPTION_FOLLOW = 'f', OPTION_JSON = 'j', OPTION_SINCE = 's' };

static bool take(void *context, int option, const char *argument)
{
    struct request *request = context;
    request->follow = request->follow || option == OPTION_FOLLOW;
    request->json = request->json || option == OPTION_JSON;
    if (option != OPTION_SINCE)
        return true;
    request->since = argument;
    if (event_time_since(argument, time(NULL), &request->start))
        return true;
    message_error("events: --since '%s': this is no time; " EVENT_TIME_ALLOWED, argument);
    return false;
}

static int run(const struct invocation *invocation)
{
    static const struct option options[] = {
        {"follow", no_argument, NULL, OPTION_FOLLOW},
        {"help", no_argument, NULL, 'h'},
        {"json", no_argument, NULL, OPTION_JSON},
        {"since", required_argument, NULL, OPTION_SINCE},
        {NULL, 0, NULL, 0},
    };
    struct request request = {0};
    const char *word;
    struct operands operands = {.what = "FILE", .words = &word, .max = 1};
    int status;
    if (!command_line(invocation, options, take, &request, &operands, &status))
        return status;
    if (word != NULL) {
        message_error("events: '%s': no FILE is taken, it is the one that the policy names; use --policy",
                      word);
        return STATUS_USAGE;
    }
    struct policy_file file;
    if (!policy_file_choose(&file, invocation->policy))
        return STATUS_SURROUNDINGS;
    status = show_policy(&request, &file);
    policy_file_close(&file);
    return status;
}

const struct command command_events = {
    .name = "events",
    .usage = "tlsgraft [--policy FILE] events [--follow] [--since TIME] [--json]",
    .summary = "show the events that programs have raised",
    .help =
        "Reads the file that the policy names in events: { file = ...; }, which has the events of this\n"
        "machine; where it names none, the stream of Redis that it names in events: { redis_stream = ...; "
        "}.\n"
        "Columns, with tabs between where the output is no terminal: timestamp, level, event, domain:port,\n"
        "mode, reason, message.\n"
        "\n"
        "options:\n"
        "  --follow      go on with the events that come, until it is interrupted; the file may be rotated,\n"
        "                and Redis may stop and start\n"
        "  --since TIME  none before TIME: 2026-11-22T10:00:00Z, 2026-11-22 (its 00:00 UTC), or how long "
        "ago:\n"
        "                30s, 15m, 2h, 7d. Events whose timestamp cannot be read are shown\n"
        "  --json        an array of the events as they stand there; with --follow one object a line\n"
        "\n"
        "Lines that are no JSON object are left out, with a warning. No file or stream yet is no error.\n"
        "\n"
        "status: 0 shown, also if there are none; 2 the policy is invalid, or names neither; 3 there is no\n"
        "policy file, the file cannot be read, or Redis does not answer\n"
        "\n"
        "example:\n"
        "  tlsgraft events --since 1h --json\n",
    .run = run,
};
