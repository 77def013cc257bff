package sluice.vdev.feed;

/** A line of the control socket that is no command; the message is the answer to its sender. */
final class WrongCommandException extends Exception {
    private static final long serialVersionUID = 1;

    WrongCommandException(String sentence) {
        super(sentence);
    }
}
