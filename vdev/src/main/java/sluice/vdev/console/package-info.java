/**
 * The console of a process: an HTTP server with a page that shows its devices live, Prometheus metrics, and the screens of GPUs over
 * WebSocket (RFC 9112, RFC 6455).
 *
 * <p>It has a loop of its own, and reads reports, which any thread may: no device waits for a browser, and none knows of this
 * package. Everything needs a secret token and comes from this process: the page loads nothing from other hosts. Nothing that
 * a peer does is without a bound: {@link sluice.vdev.console.ConsoleLimits}.
 */
@NullMarked
package sluice.vdev.console;

import org.jspecify.annotations.NullMarked;
