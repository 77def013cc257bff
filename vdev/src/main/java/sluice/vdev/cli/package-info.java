/**
 * The command line: options, help, exit codes. What it does is done by {@link sluice.vdev.serve} and others.
 *
 * <p>Every command has {@code --help}; it exits with 0 on success, 2 on wrong usage, and 1 on failure with one sentence
 * on standard error.
 */
@NullMarked
package sluice.vdev.cli;

import org.jspecify.annotations.NullMarked;
