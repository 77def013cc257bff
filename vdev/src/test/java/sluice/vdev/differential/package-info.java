/**
 * The same streams of commands to our GPU and to QEMU's {@code vhost-user-gpu}, answers and pixels compared. The random
 * guest, what it knows, the comparison, and the list of differences that are accepted, each with its reason; no check of
 * ours alone belongs here.
 */
@NullMarked
package sluice.vdev.differential;

import org.jspecify.annotations.NullMarked;
