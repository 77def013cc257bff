/**
 * Virtual machines as fixtures: QEMU processes, QMP, guests made from Debian's kernel and busybox, and the demo.
 *
 * <p>The top module: may use all other modules, none of which may use it.
 */
@NullMarked
package sluice.guest;

import org.jspecify.annotations.NullMarked;
