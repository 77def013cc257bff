package sluice.vdev.plugin;

/** An option of a device that cannot be; the message is a sentence that says which, and what to give instead. */
public final class WrongOptionException extends Exception {
    private static final long serialVersionUID = 1;

    public WrongOptionException(String sentence) {
        super(sentence);
    }
}
