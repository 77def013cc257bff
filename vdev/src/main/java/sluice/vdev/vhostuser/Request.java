package sluice.vdev.vhostuser;

/**
 * A message together with what its header said.
 *
 * @param number request number, repeated in a reply
 * @param needReply whether an acknowledgement is wanted
 */
record Request(int number, boolean needReply, FrontEndMessage message) {}
