/* `tlsgraft cert list`: the records of an organisation, in the order of upload. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cert_record.h"
#include "cli/cert_store.h"
#include "cli/message.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "policy/text.h"

static const char name[] = "cert list";

struct wishes {
    const char *organisation; /* NULL: the policy's */
    bool json;
};

struct list {
    const struct crypto *crypto;
    struct progress progress;
    time_t now;
    unsigned threshold_days;
    bool json;
    bool reader;
    bool colours;
    bool failed; /* to write; the user has been told */
    size_t count;
    size_t broken;
    size_t unread; /* what is there is not known */
};

/* What is printed of one record. */
struct row {
    const char *id;
    const char *subject;
    const char *not_after;
    const char *days;
    const char *colour;
    const char *key;
    const char *private; /* "" or " private" */
};

/* Columns on a terminal: a subject may take several bytes for a character, and be longer. */
static int padding(const char *text, int width)
{
    for (; *text != '\0'; text++)
        width -= ((unsigned char)*text & 0xc0) != 0x80;
    return width > 0 ? width : 0;
}

static void print_row(const struct list *list, const struct row *row)
{
    enum { SUBJECT_WIDTH = 32 };
    const char *end = row->colour[0] != '\0' ? CERT_RECORD_COLOUR_END : "";
    char subject[4 * CERTIFICATE_SUBJECT_SIZE];
    text_print(stdout, row->id);
    text_escape(subject, sizeof subject, row->subject);
    if (list->reader)
        printf("  %s%*s  %-20s  %s%5s%s  ", subject, padding(subject, SUBJECT_WIDTH), "", row->not_after,
               row->colour, row->days, end);
    else
        printf("\t%s\t%s\t%s\t", subject, row->not_after, row->days);
    text_print(stdout, row->key);
    puts(row->private);
}

static void print_record(const struct list *list, const char *id, const struct cert_record *record)
{
    char not_after[TEXT_TIME_SIZE] = "";
    char days[32] = "";
    long left;
    if (record->first.expires)
        text_of_time(record->first.not_after, not_after);
    if (cert_record_days(record, list->now, &left))
        snprintf(days, sizeof days, "%ld", left);
    print_row(list,
              &(struct row){
                  .id = id,
                  .subject = record->first.subject,
                  .not_after = not_after,
                  .days = days,
                  .colour = list->colours ? cert_record_colour(record, list->now, list->threshold_days) : "",
                  .key = record->first.key_type,
                  .private = record_has_private_key(record->record) ? " private" : "",
              });
}

/* One element of the array at a time: all of them might not fit into memory. */
static void print_object(struct list *list, json_t *object)
{
    fputs(list->count == 0 ? "\n" : ",\n", stdout);
    if (object == NULL || json_dumpf(object, stdout, JSON_PRESERVE_ORDER | JSON_INDENT(2)) != 0) {
        message_error("%s: the answer could not be written; see where the output goes to", name);
        list->failed = true;
    }
    json_decref(object);
}

static void print_broken(struct list *list, const char *id, const char *why)
{
    char words[STORE_WHY_SIZE + 16];
    snprintf(words, sizeof words, "broken: %s", why);
    if (list->json)
        print_object(list, json_pack("{s:o, s:o}", "id", output_text(id), "broken", output_text(why)));
    else
        print_row(list, &(struct row){id, "", "", "", "", words, ""});
}

static bool visit(void *context, const struct store_listed *listed)
{
    struct list *list = context;
    struct cert_record record;
    char why[STORE_WHY_SIZE] = "";
    bool whole = listed->result == STORE_DONE &&
                 cert_record_read(list->crypto, listed->id, listed->text, listed->length, &record, why);
    if (listed->result == STORE_ABSENT)
        snprintf(why, sizeof why, "the index names it, and there is no such record");
    if (listed->result == STORE_FAILED)
        snprintf(why, sizeof why, "%s", listed->why);
    progress_hide(&list->progress);
    if (!whole)
        print_broken(list, listed->id, why);
    else if (list->json)
        print_object(list, cert_record_json(list->crypto, listed->id, &record, list->now));
    else
        print_record(list, listed->id, &record);
    if (whole)
        cert_record_free(&record);
    else if (listed->result == STORE_FAILED)
        list->unread++;
    else
        list->broken++;
    list->count++;
    progress_tell(&list->progress, listed->number + 1, listed->total);
    return !list->failed && !ferror(stdout);
}

static int list_store(const struct cert_store *store, const char *organisation, bool json)
{
    struct crypto crypto;
    struct list list = {.crypto = &crypto,
                        .now = time(NULL),
                        .threshold_days = store->policy->expiry.threshold_days,
                        .json = json};
    char why[STORE_WHY_SIZE] = "";
    if (!cert_store_crypto(name, &crypto))
        return STATUS_SURROUNDINGS;
    list.reader = output_is_to_reader();
    list.colours = output_is_coloured();
    progress_begin(&list.progress, "records");
    if (json)
        putchar('[');
    enum store_result result = store_list(store->settings, organisation, visit, &list, why);
    progress_hide(&list.progress);
    if (json)
        puts(list.count > 0 ? "\n]" : "]");
    if (list.broken > 0)
        message_warning("%s: %zu of %zu records cannot be used; delete them with 'tlsgraft cert delete ID', "
                        "and add them again",
                        name, list.broken, list.count);
    if (list.unread > 0)
        message_warning("%s: %zu of %zu records cannot be read; the list tells why, and what to do", name,
                        list.unread, list.count);
    if (result == STORE_FAILED)
        return cert_store_say_failed(store, organisation[0] != '\0' ? organisation : "all records", why);
    return list.failed ? STATUS_SURROUNDINGS : STATUS_DONE;
}

static bool take(void *context, int option, const char *argument)
{
    struct wishes *wishes = context;
    if (option == 'j')
        wishes->json = true;
    else
        wishes->organisation = argument;
    return option == 'j' || cert_store_check_organisation(name, argument);
}

static int run(const struct invocation *invocation)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"json", no_argument, NULL, 'j'},
        {"org", required_argument, NULL, 'o'},
        {NULL, 0, NULL, 0},
    };
    struct wishes wishes = {0};
    struct cert_store store;
    struct operands operands = {.max = 0};
    int status;
    if (!command_line(invocation, options, take, &wishes, &operands, &status))
        return status;
    status = cert_store_open(&store, invocation);
    if (status == STATUS_DONE)
        status =
            list_store(&store, wishes.organisation != NULL ? wishes.organisation : store.policy->organisation,
                       wishes.json);
    cert_store_close(&store);
    return status;
}

const struct command command_cert_list = {
    .name = name,
    .usage = "tlsgraft [--policy FILE] cert list [--org ORG] [--json]",
    .summary = "list the certificate store",
    .help =
        "Prints the records of the policy's organisation in the order of upload. Into a pipe, a line for\n"
        "each: id, subject, end of validity, days left, kind of key (and 'private', if the private key is\n"
        "there), with tabs between. Of a public key the middle ones are empty. On a terminal the days left "
        "are\n"
        "yellow within warning_threshold_days, and red once it has expired. A record that cannot be used\n"
        "has 'broken: ' and the reason for its kind of key, and a warning tells how many there are.\n"
        "\n"
        "  --org ORG  another organisation than that of the policy; '' is none\n"
        "  --json     print an array of what 'tlsgraft cert show' prints; a broken one is {id, broken}\n"
        "\n"
        "status: 0 done, with broken records too; 2 wrong usage, an invalid policy; 3 the store was not\n"
        "reached\n"
        "\n"
        "example:\n"
        "  tlsgraft --policy policy.cfg cert list --json | jq '.[] | select(.days_remaining < 30) | .id'\n",
    .run = run,
};
