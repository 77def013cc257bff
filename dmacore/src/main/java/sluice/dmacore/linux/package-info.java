/**
 * Every call Sluice makes to Linux, through {@code java.lang.foreign}.
 *
 * <p>One class per header family; descriptors are owned by one {@code Fd} each; an error is an
 * {@code ErrnoException} that names the call. No policy enters this room: what a descriptor is for,
 * and how large a thing may be, is decided by the callers. Nobody else links native functions.
 */
@NullMarked
package sluice.dmacore.linux;

import org.jspecify.annotations.NullMarked;
