package sluice.guest.check;

import java.time.Duration;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * What became of a cell.
 *
 * @param cell which
 * @param reason why it did not pass, in a sentence; empty if it passed
 * @param bytes what user space found; null if the cell came to no bytes
 * @param findings what the core found meanwhile
 * @param console what the guest printed meanwhile
 * @param time that it took
 */
record CellResult(Cell cell, Outcome outcome, String reason, @Nullable Bytes bytes, List<Finding> findings,
        List<String> console, Duration time) {}
