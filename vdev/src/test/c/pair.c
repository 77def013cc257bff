/*
 * Starts two programs that are connected by a socket pair, as libvirt starts a vhost-user program: each inherits one end, and
 * "@FD@" in its arguments becomes the end's number. Prints how each ended, and ends when both have.
 *
 *   pair PROGRAM ARGUMENT... -- PROGRAM ARGUMENT...
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start(char **arguments, int end, int other) {
    pid_t child = fork();
    if (child != 0) return child;
    close(other);
    for (char **argument = arguments; *argument; argument++) {
        char *mark = strstr(*argument, "@FD@");
        if (mark == NULL) continue;
        char *filled;
        if (asprintf(&filled, "%.*s%d%s", (int)(mark - *argument), *argument, end, mark + 4) < 0) _exit(126);
        *argument = filled;
    }
    execvp(arguments[0], arguments);
    perror(arguments[0]);
    _exit(127);
}

int main(int argc, char **argv) {
    int split = 1, ends[2];
    while (split < argc && strcmp(argv[split], "--") != 0) split++;
    if (split < 2 || split + 1 >= argc) {
        fprintf(stderr, "usage: pair PROGRAM ARGUMENT... -- PROGRAM ARGUMENT...\n");
        return 2;
    }
    argv[split] = NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        perror("socketpair");
        return 1;
    }
    pid_t first = start(argv + 1, ends[0], ends[1]);
    pid_t second = start(argv + split + 1, ends[1], ends[0]);
    close(ends[0]);
    close(ends[1]);
    for (int left = 2; left > 0; left--) {
        int status;
        pid_t ended = wait(&status);
        if (ended < 0) {
            perror("wait");
            return 1;
        }
        printf("%s ended with %d\n", ended == first ? "first" : ended == second ? "second" : "nobody",
               WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        fflush(stdout);
    }
    return 0;
}
