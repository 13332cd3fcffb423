"""What a text is made of: words, sentences, quantities, names; knows nothing of questions and answers."""
