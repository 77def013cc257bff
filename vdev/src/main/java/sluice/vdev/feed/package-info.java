/**
 * Sources of input besides a screen's viewer, and the provider of the devices that they feed: device nodes of the host,
 * and a socket for scripts.
 */
@NullMarked
package sluice.vdev.feed;

import org.jspecify.annotations.NullMarked;
