package sluice.guest.check;

import java.time.Duration;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * The result of a cell.
 *
 * @param cell which
 * @param reason why it did not pass, as a sentence; empty if it passed
 * @param bytes the bytes seen by user space; null if there were none
 * @param findings findings of the core meanwhile
 * @param console console output meanwhile
 * @param time duration of the cell
 */
record CellResult(Cell cell, Outcome outcome, String reason, @Nullable Bytes bytes, List<Finding> findings,
        List<String> console, Duration time) {}
