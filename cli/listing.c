#include "cli/listing.h"

#include <stdio.h>

#include "cli/command.h"
#include "cli/message.h"
#include "cli/output.h"
#include "policy/text.h"

static const char *word_of(const struct listing *listing)
{
    return listing->allowed ? "allowed" : "refused";
}

static void add_json(const struct listing *listing, const struct certificate *certificate, const char *pin,
                     const char *hex, const char *not_after)
{
    json_t *entry = json_pack("{s:s, s:s}", "pin", pin, "hex", hex);
    if (certificate->expires)
        json_object_set_new(entry, "not_after", json_string(not_after));
    if (!certificate->is_key)
        json_object_set_new(entry, "subject", output_text(certificate->subject));
    if (listing->has_verdict)
        json_object_set_new(entry, "allowed", json_boolean(listing->allowed));
    json_array_append_new(listing->array, entry);
}

static void print_line(const struct listing *listing, const struct certificate *certificate, const char *pin,
                       const char *hex, const char *not_after)
{
    printf("%s\t%s\t%s\t", pin, hex, not_after);
    text_print(stdout, certificate->subject);
    if (listing->has_verdict)
        printf("\t%s", word_of(listing));
    putchar('\n');
}

static void print_for_reader(const struct listing *listing, const struct certificate *certificate,
                             const char *pin, const char *hex, const char *not_after)
{
    printf("%spin:       %s\nhex:       %s\n", listing->count > 0 ? "\n" : "", pin, hex);
    if (certificate->is_key)
        return;
    printf("not after: %s\nsubject:   ", not_after);
    text_print(stdout, certificate->subject);
    putchar('\n');
    if (listing->has_verdict)
        printf("policy:    %s\n", word_of(listing));
}

void listing_add(struct listing *listing, const struct certificate *certificate)
{
    char pin[PIN_TEXT_SIZE];
    char hex[CERTIFICATE_HEX_SIZE];
    char not_after[TEXT_TIME_SIZE] = "";
    pin_format(&certificate->pin, pin);
    certificate_pin_hex(certificate, hex);
    if (certificate->expires)
        text_of_time(certificate->not_after, not_after);
    if (listing->array != NULL)
        add_json(listing, certificate, pin, hex, not_after);
    else if (output_is_to_reader())
        print_for_reader(listing, certificate, pin, hex, not_after);
    else
        print_line(listing, certificate, pin, hex, not_after);
    listing->count++;
}

bool listing_begin(struct listing *listing, const char *command, bool json)
{
    *listing = (struct listing){.command = command, .array = json ? json_array() : NULL};
    if (json && listing->array == NULL)
        output_json(command, NULL);
    return !json || listing->array != NULL;
}

int listing_end(const struct listing *listing, int status)
{
    if (listing->array == NULL)
        return status;
    int printed = output_json(listing->command, listing->array);
    return printed == STATUS_DONE ? status : printed;
}
