/*
 * The functions of templates: all there are, in one table.
 *
 * A row is a name, the fewest and the most arguments, its code and a line for the documentation,
 * which `vesta functions` and docs/functions.md show. To add a function, write a func_run in the
 * file of its subject (or a new one) and a row. What a func_run has to know:
 *
 * - The arguments are evaluated, their number is right, and a piped value is the last one.
 * - nil is a value like any other here; what Go tells apart as "no value" prints the same.
 * - A failure is err_set(c->e, ERR_RENDER, ...) with a message that shows types and numbers, never
 *   a value: metadata holds secrets, and messages are logged.
 * - Text is built in c->text and returned with func_text. Nothing is allocated but from c->arena.
 * - Work that grows with an argument is charged, so that the steps limit sees it: the func_arg
 *   functions and func_text do it for text; what recurses begins with func_check_tree.
 * - The mark (value.h) must survive: what is made of a marked argument is marked, and a list or map
 *   if the network decided how many elements it has. A result that is true or false, or that was
 *   only chosen by a marked argument, is not. See mark.h for what clears a mark.
 */
#include "tmpl/func.h"

#define MANY FUNC_ANY_NUMBER

const struct func func_table[] = {
    /* Go's own */
    {"and", 1, MANY, NULL, "and A...: the first argument that is false, or the last one", FUNC_AND},
    {"or", 1, MANY, NULL, "or A...: the first argument that is true, or the last one", FUNC_OR},
    {"not", 1, 1, func_not, "not A: true if A is false", FUNC_PLAIN},
    {"eq", 1, MANY, func_eq, "eq A B...: true if A equals any B", FUNC_PLAIN},
    {"ne", 2, 2, func_ne, "ne A B: true if A does not equal B", FUNC_PLAIN},
    {"lt", 2, 2, func_lt, "lt A B: true if A is less than B", FUNC_PLAIN},
    {"le", 2, 2, func_le, "le A B: true if A is less than B or equals it", FUNC_PLAIN},
    {"gt", 2, 2, func_gt, "gt A B: true if A is greater than B", FUNC_PLAIN},
    {"ge", 2, 2, func_ge, "ge A B: true if A is greater than B or equals it", FUNC_PLAIN},
    {"len", 1, 1, func_len, "len A: the bytes of a string, the elements of a list or map",
     FUNC_PLAIN},
    {"index", 1, MANY, func_index, "index A KEY...: A[KEY]...; a key that a map has not gives nil",
     FUNC_PLAIN},
    {"slice", 1, 4, func_slice, "slice A FROM TO: a part of a string (in bytes) or list",
     FUNC_PLAIN},
    {"print", 0, MANY, func_print, "print A...: the arguments as text", FUNC_PLAIN},
    {"printf", 1, MANY, func_printf, "printf FORMAT A...: the arguments in the format", FUNC_PLAIN},
    {"println", 0, MANY, func_println, "println A...: as print, spaces between, a newline after",
     FUNC_PLAIN},
    {"html", 0, MANY, func_html, "html A...: the text of the arguments, escaped for HTML",
     FUNC_PLAIN},
    {"js", 0, MANY, func_js, "js A...: the text of the arguments, escaped for JavaScript",
     FUNC_PLAIN},
    {"urlquery", 0, MANY, func_urlquery,
     "urlquery A...: the text, escaped for a URL's query; clears the mark everywhere", FUNC_PLAIN},
    {"call", 1, MANY, func_call, "call F A...: an error, since there are no function values",
     FUNC_PLAIN},
    /* choosing */
    {"default", 1, 2, func_default,
     "default D A: A, or D if A is empty: false, 0, \"\", nil, no elements", FUNC_PLAIN},
    {"required", 2, 2, func_required, "required MESSAGE A: A, or an error if it is nil or \"\"",
     FUNC_PLAIN},
    {"fail", 1, 1, func_fail, "fail MESSAGE: an error; the message is shown if it is a literal",
     FUNC_PLAIN},
    {"ternary", 3, 3, func_ternary, "ternary A B TEST: A if TEST is true, B if it is false",
     FUNC_PLAIN},
    {"coalesce", 0, MANY, func_coalesce, "coalesce A...: the first that is not empty, or nil",
     FUNC_PLAIN},
    {"empty", 1, 1, func_empty, "empty A: true if A is false, 0, \"\", nil or without elements",
     FUNC_PLAIN},
    /* lists and maps */
    {"get", 2, 2, func_get, "get MAP KEY: MAP[KEY], or \"\" if there is none", FUNC_PLAIN},
    {"hasKey", 2, 2, func_has_key, "hasKey MAP KEY: true if MAP has KEY", FUNC_PLAIN},
    {"dig", 3, MANY, func_dig, "dig KEY... D MAP: MAP[KEY]..., or D if a key is missing on the way",
     FUNC_PLAIN},
    {"dict", 0, MANY, func_dict, "dict KEY A...: a map", FUNC_PLAIN},
    {"list", 0, MANY, func_make_list, "list A...: a list", FUNC_PLAIN},
    {"first", 1, 1, func_first, "first LIST: its first element, or nil", FUNC_PLAIN},
    {"has", 2, 2, func_has, "has A LIST: true if A is an element of LIST; 1 is not 1.0",
     FUNC_PLAIN},
    {"concat", 0, MANY, func_concat, "concat LIST...: one list", FUNC_PLAIN},
    {"until", 1, 1, func_until, "until N: the list 0, 1, ... up to N - 1", FUNC_PLAIN},
    {"join", 2, 2, func_join, "join SEPARATOR LIST: the elements as text, without nil", FUNC_PLAIN},
    {"splitList", 2, 2, func_split_list, "splitList SEPARATOR S: the list of the pieces",
     FUNC_PLAIN},
    {"split", 2, 2, func_split, "split SEPARATOR S: a map of the pieces, with the keys _0, _1, ...",
     FUNC_PLAIN},
    /* text */
    {"quote", 0, MANY, func_quote,
     "quote A...: each as text in double quotes with Go's escapes, nil left out", FUNC_PLAIN},
    {"squote", 0, MANY, func_squote, "squote A...: each as text in single quotes, nothing escaped",
     FUNC_PLAIN},
    {"indent", 2, 2, func_indent, "indent N S: S with N spaces before every line", FUNC_PLAIN},
    {"nindent", 2, 2, func_nindent, "nindent N S: the same, and a newline before all", FUNC_PLAIN},
    {"trim", 1, 1, func_trim, "trim S: without white space at both ends", FUNC_PLAIN},
    {"trimAll", 2, 2, func_trim_all, "trimAll CHARS S: without these characters at both ends",
     FUNC_PLAIN},
    {"trimPrefix", 2, 2, func_trim_prefix, "trimPrefix P S: without P at the beginning",
     FUNC_PLAIN},
    {"trimSuffix", 2, 2, func_trim_suffix, "trimSuffix P S: without P at the end", FUNC_PLAIN},
    {"upper", 1, 1, func_upper, "upper S: in upper case (Latin, Greek, Cyrillic)", FUNC_PLAIN},
    {"lower", 1, 1, func_lower, "lower S: in lower case (Latin, Greek, Cyrillic)", FUNC_PLAIN},
    {"title", 1, 1, func_title, "title S: with a capital at the beginning of each word",
     FUNC_PLAIN},
    {"replace", 3, 3, func_replace, "replace OLD NEW S: S with NEW for every OLD", FUNC_PLAIN},
    {"contains", 2, 2, func_contains, "contains PART S: true if S has PART", FUNC_PLAIN},
    {"hasPrefix", 2, 2, func_has_prefix, "hasPrefix P S: true if S begins with P", FUNC_PLAIN},
    {"hasSuffix", 2, 2, func_has_suffix, "hasSuffix P S: true if S ends with P", FUNC_PLAIN},
    {"toString", 1, 1, func_to_string, "toString A: as text", FUNC_PLAIN},
    /* numbers */
    {"int", 1, 1, func_int, "int A: as a whole number, cut; 0 for text that is none", FUNC_PLAIN},
    {"float64", 1, 1, func_float64,
     "float64 A: as a floating point number; 0 for text that is none", FUNC_PLAIN},
    {"add", 0, MANY, func_add, "add A...: the sum, each taken as int does; so with all of these",
     FUNC_PLAIN},
    {"sub", 2, 2, func_sub, "sub A B: A - B", FUNC_PLAIN},
    {"mul", 1, MANY, func_mul, "mul A...: the product", FUNC_PLAIN},
    {"div", 2, 2, func_div, "div A B: A / B, cut", FUNC_PLAIN},
    {"mod", 2, 2, func_mod, "mod A B: the rest of A / B", FUNC_PLAIN},
    {"max", 1, MANY, func_max, "max A...: the largest", FUNC_PLAIN},
    {"min", 1, MANY, func_min, "min A...: the smallest", FUNC_PLAIN},
    /* encoding */
    {"toJson", 1, 1, func_to_json, "toJson A: as JSON in one line; clears the mark in YAML",
     FUNC_PLAIN},
    {"mustToJson", 1, 1, func_to_json, "mustToJson A: the same", FUNC_PLAIN},
    {"fromJson", 1, 1, func_from_json, "fromJson S: what the JSON text stands for", FUNC_PLAIN},
    {"toYaml", 1, 1, func_to_yaml, "toYaml A: as YAML without a newline at the end", FUNC_PLAIN},
    {"b64enc", 1, 1, func_b64enc, "b64enc S: as base64; clears the mark everywhere", FUNC_PLAIN},
    {"b64dec", 1, 1, func_b64dec, "b64dec S: what the base64 stands for", FUNC_PLAIN},
    {"sha256sum", 1, 1, func_sha256sum, "sha256sum S: its SHA-256 in hexadecimal", FUNC_PLAIN},
    /* addresses */
    {"cidrhost", 2, 2, func_cidrhost,
     "cidrhost PREFIX N: address N of a prefix such as 10.1.0.0/16; -1 is its last", FUNC_PLAIN},
    {"cidrnetmask", 1, 1, func_cidrnetmask, "cidrnetmask PREFIX: the netmask of an IPv4 prefix",
     FUNC_PLAIN},
    {"cidrsubnet", 3, 3, func_cidrsubnet,
     "cidrsubnet PREFIX BITS N: its subnet N, with BITS more bits", FUNC_PLAIN},
    /* boot scripts */
    {"ipxe", 1, 1, func_ipxe,
     "ipxe A: as text, or an error if iPXE would take it for more than one word; clears the mark "
     "there",
     FUNC_PLAIN},
    {"grubquote", 1, 1, func_grubquote,
     "grubquote A: as text in quotes for GRUB; clears the mark there", FUNC_PLAIN},
    {"shquote", 1, 1, func_shquote, "shquote A: as text in single quotes for a shell", FUNC_PLAIN},
    {"karg", 1, 1, func_karg,
     "karg A: as text for a kernel argument's value, in double quotes if it has spaces",
     FUNC_PLAIN},
    {NULL, 0, 0, NULL, NULL, FUNC_PLAIN},
};

const struct func *func_find(struct str name)
{
    for (const struct func *f = func_table; f->name; f++)
        if (str_is(name, f->name))
            return f;
    return NULL;
}
