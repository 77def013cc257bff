/**
 * Every call Sluice makes to Linux, through {@code java.lang.foreign}.
 *
 * <p>One class per header family; each descriptor is owned by one {@code Fd}; an error is an {@code ErrnoException}
 * that names the call. Must not contain policy: callers decide on the use of a descriptor and on limits. No other
 * package links native functions.
 */
@NullMarked
package sluice.dmacore.linux;

import org.jspecify.annotations.NullMarked;
