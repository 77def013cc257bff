package sluice.dmacore.trace.recording;

/**
 * Events of a recording that cannot be read, and why.
 *
 * @param overwritten newer events took their place
 * @param unfinished somebody began to write them and did not get done: at this moment, or because its process was killed
 * @param cutOff they lie behind the end of the file
 * @param unknown a newer recorder wrote them, and this reader has no word for their kind
 */
public record Missed(long overwritten, long unfinished, long cutOff, long unknown) {
    public static final Missed NOTHING = new Missed(0, 0, 0, 0);

    /** Whether there is something wrong with the file: a ring overwrites its oldest events, that is its way. */
    public boolean isDamage() {
        return cutOff > 0 || unknown > 0;
    }
}
