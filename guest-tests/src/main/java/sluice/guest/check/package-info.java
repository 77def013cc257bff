/**
 * {@code ./sluice check}: a verdict on the import paths of a guest's driver. A machine with a card of ours and the witness runs what a
 * user of the driver would do, cell by cell, and each cell is judged by the bytes that user space gets and by what the core found.
 */
@NullMarked
package sluice.guest.check;

import org.jspecify.annotations.NullMarked;
