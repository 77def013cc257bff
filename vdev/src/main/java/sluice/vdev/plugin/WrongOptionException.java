package sluice.vdev.plugin;

/** An invalid option of a device; the message is a sentence that names it, and what to give instead. */
public final class WrongOptionException extends Exception {
    private static final long serialVersionUID = 1;

    public WrongOptionException(String sentence) {
        super(sentence);
    }
}
