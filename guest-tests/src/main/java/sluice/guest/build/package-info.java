/**
 * Builds on this host for a guest's kernel, cached under the hash of their sources. Must not use virtual machines or
 * images: the results can be loaded on any machine with that kernel.
 */
@NullMarked
package sluice.guest.build;

import org.jspecify.annotations.NullMarked;
