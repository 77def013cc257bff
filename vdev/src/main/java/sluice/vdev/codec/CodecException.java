package sluice.vdev.codec;

/** A codec library failed or refused; the message is a sentence that says at what. */
public final class CodecException extends Exception {
    private static final long serialVersionUID = 1;

    public CodecException(String sentence) {
        super(sentence);
    }

    /** The same with its cause. */
    public CodecException(String sentence, Throwable cause) {
        super(sentence, cause);
    }
}
