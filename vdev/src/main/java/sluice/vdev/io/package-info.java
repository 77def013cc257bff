/**
 * Sockets as Netty channels that read whole messages together with exactly the descriptors that came with them,
 * listeners, and event descriptors on Netty's loops.
 *
 * <p>It knows how long a message is and nothing of what it says; no protocol may enter.
 */
@NullMarked
package sluice.vdev.io;

import org.jspecify.annotations.NullMarked;
