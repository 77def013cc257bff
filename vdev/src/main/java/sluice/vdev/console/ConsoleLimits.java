package sluice.vdev.console;

import java.time.Duration;

/**
 * Limits of a console, which browsers cannot exceed.
 *
 * @param connections that are served at a time; as many more are answered with status 503, and others closed
 * @param line bytes of a request's first line
 * @param headers bytes of its headers
 * @param body bytes of its body
 * @param frame bytes of a WebSocket frame's payload
 * @param request time from an answer, or the connection, to the end of the next request
 * @param stall time for which a peer may read nothing of an answer
 * @param downloads files that are sent at a time; more are answered with status 503
 */
public record ConsoleLimits(int connections, int line, int headers, int body, int frame, Duration request,
        Duration stall, int downloads) {
    /** Those of a console that users reach: a page has up to 6 connections, and one for each screen. */
    public static final ConsoleLimits DEFAULT = new ConsoleLimits(64, 4096, 16_384, 4096, 65_536,
            Duration.ofSeconds(60), Duration.ofSeconds(30), 4);
}
