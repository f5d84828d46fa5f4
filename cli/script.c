#include "cli/script.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char blanks[] = " \t";
static const char split_blanks[] = " \t\n\v\f\r";

enum script_outcome script_read(int fd, struct script *script)
{
    char line[SCRIPT_LINE_SIZE + 1] = {0};
    memset(script, 0, sizeof *script);
    ssize_t got = pread(fd, line, SCRIPT_LINE_SIZE, 0);
    if (got < 0)
        return SCRIPT_FAILED;
    if (got < 2 || line[0] != '#' || line[1] != '!')
        return SCRIPT_NONE;
    char *text = line + 2;
    char *newline = memchr(text, '\n', (size_t)got - 2);
    if (newline != NULL)
        *newline = '\0';
    char *name = text + strspn(text, blanks);
    char *end = name + strcspn(name, blanks);
    /* A name that the kernel sees cut off is not executed. */
    bool cut_off =
        newline == NULL && got == SCRIPT_LINE_SIZE && *end == '\0' && end == line + SCRIPT_LINE_SIZE;
    if (*name == '\0' || cut_off)
        return SCRIPT_NONE;
    snprintf(script->interpreter, sizeof script->interpreter, "%.*s", (int)(end - name), name);
    char *argument = end + strspn(end, blanks);
    size_t length = strlen(argument);
    while (length > 0 && strchr(blanks, argument[length - 1]) != NULL)
        length--;
    snprintf(script->argument, sizeof script->argument, "%.*s", (int)length, argument);
    return SCRIPT_READ;
}

bool script_is_env(const char *interpreter)
{
    const char *slash = strrchr(interpreter, '/');
    return strcmp(slash != NULL ? slash + 1 : interpreter, "env") == 0;
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Variables without which, or with another value of which, the program would not be governed as said. */
static bool is_ours(const char *name)
{
    return starts(name, "LD_") || starts(name, "TLSGRAFT_");
}

/*
 * The next word of a split string. False: there is no more, or it is written with quotes, escapes or
 * variables, which are env's to read; either way nothing is known about what follows.
 */
static bool next_word(const char **at, char *word, size_t size)
{
    *at += strspn(*at, split_blanks);
    if (**at == '\0' || **at == '#')
        return false;
    size_t length = strcspn(*at, split_blanks);
    snprintf(word, size, "%.*s", (int)length, *at);
    *at += length;
    return strpbrk(word, "\\'\"$") == NULL;
}

/* How one word before the program counts. */
enum word { WORD_GOES_ON, WORD_IS_PROGRAM, WORD_UNCLEAR, WORD_LOSES_US };

static enum word read_assignment(const char *word, struct env_words *words)
{
    if (is_ours(word))
        return WORD_LOSES_US;
    if (starts(word, "PATH=")) {
        words->sets_path = true;
        snprintf(words->path, sizeof words->path, "%s", word + strlen("PATH="));
    }
    return WORD_GOES_ON;
}

/* Options that take away variables; of the others only those that change nothing for us are let through. */
static enum word read_option(const char *word, const char **at)
{
    char name[SCRIPT_LINE_SIZE];
    if (strcmp(word, "-i") == 0 || strcmp(word, "-") == 0 || strcmp(word, "--ignore-environment") == 0)
        return WORD_LOSES_US;
    if (strcmp(word, "-v") == 0 || strcmp(word, "--debug") == 0 || strcmp(word, "--") == 0)
        return WORD_GOES_ON;
    if (strcmp(word, "-u") == 0) {
        if (!next_word(at, name, sizeof name))
            return WORD_UNCLEAR;
        /* Without PATH, env would look elsewhere than we do. */
        return is_ours(name) ? WORD_LOSES_US : strcmp(name, "PATH") == 0 ? WORD_UNCLEAR : WORD_GOES_ON;
    }
    if (starts(word, "--unset="))
        return is_ours(word + strlen("--unset=")) ? WORD_LOSES_US : WORD_UNCLEAR;
    return WORD_UNCLEAR;
}

static enum word read_words(const char *at, struct env_words *words)
{
    char word[SCRIPT_LINE_SIZE];
    bool options = true;
    while (next_word(&at, word, sizeof word)) {
        enum word counts;
        if (options && word[0] == '-') {
            counts = read_option(word, &at);
            options = strcmp(word, "--") != 0;
        } else if (strchr(word, '=') != NULL) {
            counts = read_assignment(word, words);
            options = false;
        } else {
            snprintf(words->program, sizeof words->program, "%s", word);
            snprintf(words->rest, sizeof words->rest, "%s", at);
            return WORD_IS_PROGRAM;
        }
        if (counts != WORD_GOES_ON)
            return counts;
    }
    /* Without a program among the words env would start the script itself, without end. */
    return WORD_UNCLEAR;
}

static bool conclude(enum word counts, const char **why)
{
    if (counts == WORD_LOSES_US)
        *why = "its env takes away or changes variables that governing needs";
    else if (counts == WORD_UNCLEAR)
        *why = "what its env starts cannot be told";
    return counts == WORD_IS_PROGRAM;
}

bool script_env(const char *argument, struct env_words *words, const char **why)
{
    memset(words, 0, sizeof *words);
    enum word counts;
    if (starts(argument, "-S")) {
        counts = read_words(argument + 2, words);
    } else if (starts(argument, "-vS")) {
        counts = read_words(argument + 3, words);
    } else if (starts(argument, "--split-string=")) {
        counts = read_words(argument + strlen("--split-string="), words);
    } else if (starts(argument, "-i") || strcmp(argument, "-") == 0) {
        counts = WORD_LOSES_US;
    } else if (argument[0] == '\0' || argument[0] == '-' || strchr(argument, '=') != NULL) {
        counts = WORD_UNCLEAR;
    } else {
        /* Without -S all of it, blanks too, is the name of the program. */
        snprintf(words->program, sizeof words->program, "%s", argument);
        counts = WORD_IS_PROGRAM;
    }
    return conclude(counts, why);
}

bool script_env_again(struct env_words *words, const char **why)
{
    char rest[SCRIPT_LINE_SIZE];
    memcpy(rest, words->rest, sizeof rest);
    words->rest[0] = '\0';
    return conclude(read_words(rest, words), why);
}
