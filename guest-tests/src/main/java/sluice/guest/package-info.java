/**
 * Virtual machines as fixtures: QEMU processes, QMP, guests made from Debian's kernel and busybox, and the demo.
 *
 * <p>The top floor: it may use everything below, nothing below may use it.
 */
@NullMarked
package sluice.guest;

import org.jspecify.annotations.NullMarked;
