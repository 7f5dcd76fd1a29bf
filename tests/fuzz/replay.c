/*
 * replay.c - runs a fuzz target over the files of a corpus without a fuzzer, so that every input
 * that was ever interesting is tried by the ordinary tests, under whatever sanitizer they run.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (4u << 20)

static int replay(const char *path, uint8_t *buffer)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        fprintf(stderr, "%s: cannot be opened\n", path);
        return -1;
    }
    size_t n = fread(buffer, 1, INPUT_MAX, f);
    fclose(f);
    /* Of its own size, so that the address sanitizer sees a read past the end. */
    uint8_t *exact = malloc(n ? n : 1);
    if (!exact)
        return -1;
    memcpy(exact, buffer, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0;
    uint8_t *buffer = malloc(INPUT_MAX);
    for (int i = 1; i < argc && buffer; i++) {
        DIR *d = opendir(argv[i]);
        if (!d) {
            fprintf(stderr, "%s: no such corpus\n", argv[i]);
            failed++;
            continue;
        }
        for (struct dirent *x; (x = readdir(d));) {
            char path[4096];
            if (x->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], x->d_name);
            if (replay(path, buffer) == 0)
                passed++;
            else
                failed++;
        }
        closedir(d);
    }
    free(buffer);
    printf("%d passed, %d failed\n", passed, failed);
    return failed || !passed;
}
