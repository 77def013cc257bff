package sluice.dmacore.trace.recording;

/**
 * Events of a recording that cannot be read, by reason.
 *
 * @param overwritten overwritten by newer events
 * @param unfinished incompletely written: in progress, or because the process was killed
 * @param cutOff beyond the end of the file
 * @param unknown of a kind unknown to this reader, written by a newer recorder
 */
public record Missed(long overwritten, long unfinished, long cutOff, long unknown) {
    public static final Missed NOTHING = new Missed(0, 0, 0, 0);

    /** Whether the file is damaged; overwriting the oldest events is normal. */
    public boolean isDamage() {
        return cutOff > 0 || unknown > 0;
    }
}
