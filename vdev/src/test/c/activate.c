/*
 * Starts a program as a service manager does that activates it by sockets: it inherits listening sockets from descriptor 3 on, and is told by
 * LISTEN_FDS and LISTEN_PID (sd_listen_fds(3)). It takes this process's place.
 *
 *   activate PATH... -- PROGRAM ARGUMENT...
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST 3

int main(int count, char **arguments) {
    int next = 1, sockets = 0;
    for (; next < count && strcmp(arguments[next], "--") != 0; next++, sockets++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        snprintf(address.sun_path, sizeof address.sun_path, "%s", arguments[next]);
        int made = socket(AF_UNIX, SOCK_STREAM, 0);
        if (made < 0 || bind(made, (struct sockaddr *)&address, sizeof address) != 0 || listen(made, 4) != 0) {
            perror(arguments[next]);
            return 126;
        }
        if (made != FIRST + sockets) {
            if (dup2(made, FIRST + sockets) < 0) return 126;
            close(made);
        }
    }
    if (next >= count - 1) return 125;
    char text[16];
    snprintf(text, sizeof text, "%d", sockets);
    setenv("LISTEN_FDS", text, 1);
    snprintf(text, sizeof text, "%d", (int)getpid());
    setenv("LISTEN_PID", text, 1);
    execvp(arguments[next + 1], arguments + next + 1);
    perror(arguments[next + 1]);
    return 127;
}
