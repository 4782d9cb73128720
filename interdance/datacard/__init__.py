"""What a data set is: measured take by take, put beside the paper's Table 1, shown as a page and a picture."""
